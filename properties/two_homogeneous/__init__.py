"""Networks of order D = 2: flows, and early training, through kinks (theory §11)."""

from ncfcheck.properties.two_homogeneous import (
    theorems,
    departure,
    controls,
    early_controls,
    departure_controls,
)
