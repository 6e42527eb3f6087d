"""Networks, losses, the NCF, and instances as values."""
