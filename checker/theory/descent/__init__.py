"""Descents with a step: what people run in place of a flow (theory §12)."""
