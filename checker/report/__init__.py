"""Writers of a run: each consumes events and verdicts, and none knows the engine."""
