"""Descents with a step (theory §8)."""

from ncfcheck.properties.descent import theorems, decay
