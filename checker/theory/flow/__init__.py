"""Flows of the NCF and of the loss: trajectories and how they are integrated."""
