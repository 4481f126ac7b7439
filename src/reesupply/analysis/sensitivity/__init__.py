"""What moves a result, and what it is worth to know it, from the draws of one run."""

from reesupply.analysis.sensitivity.door import sensitivity, value_of_information

__all__ = ["sensitivity", "value_of_information"]
