"""How good forecasts of this kind are: hindcasts from past vintages, scored on what came."""

from reesupply.analysis.verification.door import VINTAGES, Verification, verify

__all__ = ["VINTAGES", "Verification", "verify"]
