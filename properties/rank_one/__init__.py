"""Rank-one KKT points (theory §5, §6)."""

from ncfcheck.properties.rank_one import theorems, controls
