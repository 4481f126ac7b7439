"""From one scenario to another: which assumptions put the tonnes between their deficits."""

from reesupply.analysis.decompose.blocks import Block, standard_patterns
from reesupply.analysis.decompose.decomposition import Decomposition
from reesupply.analysis.decompose.door import decompose

__all__ = ["Block", "Decomposition", "decompose", "standard_patterns"]
