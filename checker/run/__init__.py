"""Work: the check loop, hunts, shrinking, workers."""
