"""What is believed about delays before the record of delays is read: the table ``priors``."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from reesupply.distributions import LogNormal, parse
from reesupply.errors import ReesupplyError, nearest


@dataclass(frozen=True)
class Prior:
    r"""
    Belief about a lognormal time: its parameters, and how far they may be wrong.

    Parameters
    ----------
    median, sigma : float
        Of the lognormal, both above 0.
    sd_log_median : float
        Standard deviation of the normal prior on the logarithm of the median [log units]. Towards
        0 the prior decides, at infinity the data.
    sd_log_sigma : float
        The same for the logarithm of sigma.

    Raises
    ------
    ReesupplyError
        If one of them is not above 0, or a median or sigma is not finite.
    """

    median: float
    sigma: float
    sd_log_median: float = 0.2
    sd_log_sigma: float = 0.3

    def __post_init__(self) -> None:
        for name in ("median", "sigma", "sd_log_median", "sd_log_sigma"):
            value = getattr(self, name)
            infinite = name.startswith("sd_") and value == math.inf
            if not (0.0 < value < math.inf or infinite):
                allowed = "above 0" if name.startswith("sd_") else "finite and above 0"
                msg = f"prior: {name} must be {allowed}; got {value!r}"
                raise ReesupplyError(msg)

    @property
    def is_proper(self) -> bool:
        """Whether it says something about both parameters."""
        return math.isfinite(self.sd_log_median) and math.isfinite(self.sd_log_sigma)


@lru_cache(maxsize=1)
def _cells() -> dict[str, str]:
    text = (files("reesupply") / "data" / "priors.csv").read_bytes().decode()
    rows = csv.DictReader(io.StringIO(text, newline=""))
    return {row["id"]: row["value"] for row in rows}


def _cell(name: str) -> str:
    cells = _cells()
    if name not in cells:
        msg = f"priors.csv: there is no row {name!r}; {nearest(name, cells)}"
        raise ReesupplyError(msg)
    return cells[name]


def prior_number(name: str) -> float:
    """
    Return a number of the table ``priors``.

    Parameters
    ----------
    name : str
        Its id, such as ``"schedule-low"``.

    Returns
    -------
    float

    Raises
    ------
    ReesupplyError
        If there is no such row.
    """
    return float(_cell(name))


def shipped_prior(name: str) -> Prior:
    """
    Return a prior of the table ``priors``.

    Parameters
    ----------
    name : str
        ``schedule-first-of-kind``, ``schedule-ordinary``, ``slip-construction``,
        ``slip-commissioning`` or ``slip-add-on``.

    Returns
    -------
    Prior
        With the shipped uncertainty of its parameters.

    Raises
    ------
    ReesupplyError
        If there is no such row, or it holds no lognormal.
    """
    shape = parse(_cell(name))
    if not isinstance(shape, LogNormal):
        msg = f"priors.csv, row {name}, column value: found {shape}, allowed is a lognormal"
        raise ReesupplyError(msg)
    kind = name.partition("-")[0]
    sd_median, sd_sigma = (prior_number(f"{kind}-{part}-sd") for part in ("median", "sigma"))
    return Prior(shape.median, shape.sigma, sd_median, sd_sigma)
