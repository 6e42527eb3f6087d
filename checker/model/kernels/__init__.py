"""Compiled kernels of layered networks."""
