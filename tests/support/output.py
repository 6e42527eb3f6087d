"""What tests read of the output of commands."""


def without_progress(err: str) -> str:
    """Standard error but for the lines that a run on a slow machine tells how far it is."""
    return "".join(line for line in err.splitlines(keepends=True) if " claims done" not in line)
