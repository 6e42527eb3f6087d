"""KKT points of feed-forward networks (theory §5)."""

from ncfcheck.properties.kkt import theorems, one_sample, controls, maxima_controls
