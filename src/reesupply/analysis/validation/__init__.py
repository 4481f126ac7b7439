"""
Published numbers that the library is run against.

The table `validation` has the cases: what was published, how far a reproduction may be from it, and
what became of it. Its inputs are in `validation_inputs`. A case whose inputs are not at hand is
named and never counts as reproduced. :func:`validation` computes the rest.
"""

from reesupply.analysis.validation.compare import counts, validation
from reesupply.analysis.validation.given import Found

__all__ = ["Found", "counts", "validation"]
