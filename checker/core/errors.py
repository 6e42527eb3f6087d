"""What ends a run although nothing is wrong with the program."""


class CannotRun(Exception):
    """The run could not be done for a reason outside of the program; the message says why, and what
    would be right, in one line.
    """
