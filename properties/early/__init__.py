"""Early training (theory §4)."""

from ncfcheck.properties.early import theorems, tracking, controls, label_controls, model_controls
