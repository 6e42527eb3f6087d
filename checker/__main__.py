"""`python -m ncfcheck`, and the installed command: a process of the program's own."""

import os
import sys

from ncfcheck.core.blame import blamed


def main() -> int:
    """Run the command line, undisturbed by settings of matplotlib's and of warnings."""
    try:
        import logging
        import warnings

        from ncfcheck.app import boundary, streams
        from ncfcheck.core.errors import tolerate_warnings
    except Exception as error:  # a module of Python's own
        found = blamed(error) or "Python is broken"
        sys.stderr.write(f"ncfcheck: {type(error).__name__}: {error}: {found}\n")
        return 2
    tolerate_warnings()
    os.environ |= {"MPLBACKEND": "agg", "MATPLOTLIBRC": os.devnull}
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    warnings.showwarning = lambda message, *_: streams.warn(str(message))
    return boundary.guarded(_command, sys.argv[1:])


def _command() -> int:
    from ncfcheck.app import cli

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
