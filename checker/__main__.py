"""`python -m ncfcheck`: the command line."""

import sys

from ncfcheck.app.cli import main

sys.exit(main())
