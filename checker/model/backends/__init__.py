"""Functions of the user's, by library: one class each, and one suite of tests for all."""
