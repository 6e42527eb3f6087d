"""KKT points of the constrained NCF."""
