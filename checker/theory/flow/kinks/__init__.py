"""Flows through kinks of layers with p = 1, α < 1 (theory §11)."""
