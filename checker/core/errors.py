"""What ends a run although nothing is wrong with the program; and what does not."""

import warnings
from typing import cast


class CannotRun(Exception):
    """The run could not be done for a reason outside of the program; the message says why, and what
    would be right, in one line.
    """


def tolerate_warnings() -> None:
    """Have the warnings of this process told even where the interpreter was to raise them: they
    come from libraries, and what one release of these warns of is no error of a run.
    """
    told = [each for each in warnings.filters if each[0] != "error"]
    if len(told) < len(warnings.filters):
        cast(list, warnings.filters)[:] = told
        warnings.simplefilter("default", append=True)  # which has the change noticed
