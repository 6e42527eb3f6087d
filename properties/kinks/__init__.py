"""Flows of networks with kinks: p_l = 1, α_l < 1 (theory §11)."""

from ncfcheck.properties.kinks import theorems, two_layers, early
from ncfcheck.properties.kinks import controls, two_layer_controls, early_controls
