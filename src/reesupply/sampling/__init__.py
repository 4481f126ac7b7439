"""
Uniform numbers by name and draw number.

Draw j of input X is a pure function of (seed, X, j): adding, removing or reordering inputs leaves
every other input's draws as they were, and `n` draws are the first `n` of any larger run. The unit
of work is a lane of 1,024 draws, always made in full.
"""

from reesupply.sampling.sampler import Design, Sampler, check_design
from reesupply.sampling.seeds import entropy_of
from reesupply.sampling.sobol import SCRAMBLES
from reesupply.sampling.streams import LANE

__all__ = ["LANE", "SCRAMBLES", "Design", "Sampler", "check_design", "entropy_of"]
