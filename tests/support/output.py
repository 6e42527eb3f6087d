"""What tests read of the output of commands."""

PROGRESS = (" claims done", " strata covered, ")


def without_progress(err: str) -> str:
    """Standard error but for the lines that a run on a slow machine tells how far it is."""
    lines = err.splitlines(keepends=True)
    return "".join(line for line in lines if not any(each in line for each in PROGRESS))
