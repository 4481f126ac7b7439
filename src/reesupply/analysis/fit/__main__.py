"""`python -m reesupply.analysis.fit` prints the fitted parameters and the cells they would fill."""

import argparse
import sys

from reesupply.analysis.fit.growth_rows import write_growth
from reesupply.analysis.fit.report import text

if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m reesupply.analysis.fit", description=__doc__)
    parser.add_argument(
        "--write",
        action="store_true",
        help="write since, volatility and increments of the table growth instead",
    )
    sys.stdout.write(f"{write_growth()}\n" if parser.parse_args().write else text())
