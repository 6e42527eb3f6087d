"""The claims: one module a chapter of the theory, and nothing else."""
