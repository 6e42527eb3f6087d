"""How flows are integrated: explicit and implicit steps, and a second opinion by scipy."""
