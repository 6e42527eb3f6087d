"""Early training: the loss flow beside the NCF flow."""
