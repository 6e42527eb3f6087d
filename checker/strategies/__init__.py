"""Strategies of instances: what they draw, what they promise, and moves that keep it."""
