"""`python -m ncfcheck`, and the installed command: a process of the program's own."""

import logging
import os
import sys
import warnings

from ncfcheck.app import boundary, streams


def main() -> int:
    """Run the command line, in an environment that no setting of matplotlib's disturbs."""
    os.environ |= {"MPLBACKEND": "agg", "MATPLOTLIBRC": os.devnull}
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    warnings.showwarning = lambda message, *_: streams.warn(str(message))
    return boundary.guarded(_command, sys.argv[1:])


def _command() -> int:
    from ncfcheck.app import cli

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
