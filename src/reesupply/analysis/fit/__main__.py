"""`python -m reesupply.analysis.fit` prints the fitted parameters and the cells they would fill."""

import sys

from reesupply.analysis.fit.report import text

if __name__ == "__main__":
    sys.stdout.write(text())
