"""`python -m reesupply` is the command `reesupply`."""

import sys

from reesupply.cli import main

if __name__ == "__main__":
    sys.exit(main())
