"""Making counterexamples small enough to read."""
