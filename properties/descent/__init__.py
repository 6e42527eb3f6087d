"""Descents with a step (theory §12)."""

from ncfcheck.properties.descent import theorems, decay, stochastic, controls
