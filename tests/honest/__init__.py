"""Error bars against the truth: margins computed again, far more precisely."""
