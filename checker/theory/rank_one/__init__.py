"""Rank-one points and the reduced problem."""
