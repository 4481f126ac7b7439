"""`verify`: the public function, and what it returns."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.analysis.verification.hindcasts import (
    MODEL,
    OLDEST_OUTLOOK,
    Basis,
    Hindcast,
    hindcasts,
)
from reesupply.analysis.verification.quantities import QUANTITIES
from reesupply.analysis.verification.record import Record, Value
from reesupply.analysis.verification.scoring import (
    difference_table,
    published_table,
    score_table,
    summary_table,
)
from reesupply.analysis.years import whole_years
from reesupply.errors import ReesupplyError
from reesupply.sampling import entropy_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from reesupply.plots.verification import VerificationPlots

VINTAGES = (2012, 2015, 2018, 2020)
YEARS = tuple(range(2016, 2026))
DRAWS = 4_096

_READ = (
    *("history", "early_history", "forecasts", "pipelines"),
    *("generic_stages", "ramps", "ramp_classes", "growth"),
)


@dataclass(frozen=True, eq=False)
class Verification:
    """
    Forecasts from past vintages, scored on what came.

    Attributes
    ----------
    vintages, years : tuple of int
        Ends of these years; years that are scored.
    draws, entropy : int
        Draws of each ensemble; the entropy passed as `rng` repeats the run.
    forecasts : tuple of Hindcast
        Every forecast with its draws, those of years without an outcome too.
    basis : pandas.DataFrame
        Index vintage, quantity, method; values on record then, first and last year of them, and
        why there is no forecast (blank where there is one).
    outcomes : mapping of str to mapping of int to Value
        By quantity and year, the record of today.
    """

    vintages: tuple[int, ...]
    years: tuple[int, ...]
    draws: int
    entropy: int
    forecasts: tuple[Hindcast, ...]
    basis: pd.DataFrame
    outcomes: Mapping[str, Mapping[int, Value]]

    def __repr__(self) -> str:
        pairs = int((self.scores["method"] == MODEL).sum())
        return (
            f"<Verification: {len(self.scores)} scores, {pairs} of the model, vintages "
            f"{', '.join(map(str, self.vintages))}, {self.draws:,} draws>"
        )

    def _repr_html_(self) -> str:
        columns = ["pairs", "log_error", "crps", "skill", "inside", "intervals"]
        shown = self.summary[[*columns, "model_crps", "crps_same_pairs", "won", "lost"]]
        return shown.round(3).astype(object).where(shown.notna(), "").to_html()

    @cached_property
    def scores(self) -> pd.DataFrame:
        """
        One row for each forecast of each year with an outcome.

        vintage, quantity, year, horizon (years from the vintage), method, by (publishers), outcome
        and whether it was observed, P5, P50 and P95 [unit of the quantity]. On the scale of
        logarithms, where 0.1 is about 10 %: log_error (of the median over the outcome), crps,
        pinball (mean of the levels 5 to 95 %), interval (Winkler's score of P5 to P95). Then pit,
        the level of the outcome, and inside, whether P5 to P95 holds it. Of a point P5, P95,
        interval, pit and inside are missing, and its crps is its absolute log_error.
        """
        return score_table(self.forecasts, self.outcomes, self.entropy)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """
        Scores by quantity and method.

        pairs (of vintage and year), paths (of vintage and quantity: about as many independent
        cases), mean log_error, crps, pinball and interval; skill, 1 - crps / crps of the drift on
        the same pairs; inside and intervals (their numbers), coverage with its Jeffreys interval
        low, high of 95 %; and beside the model: crps_same_pairs and model_crps on the pairs that
        both have, pairs won and lost by the model, and a verdict. "all" takes the counted
        quantities together, weighing every pair the same, and "all, outcome observed" those of
        them whose outcome was observed and not reconstructed.
        """
        return summary_table(self.scores)

    @cached_property
    def differences(self) -> pd.DataFrame:
        """
        Tests of the model against each other method (Diebold and Mariano), where allowed.

        Index quantity, method; pairs, horizon with most origins, origins at it, difference (mean
        crps of the model less the other's), statistic, p_value, note. A test needs 20 origins at
        one horizon, year by year; with fewer, the note says so and there is no test.
        """
        return difference_table(self.scores)

    @cached_property
    def published(self) -> pd.DataFrame:
        """
        Every published forecast in the tables whose outcome is known.

        Also those of quantities that the model has no past of. Index id; publisher, issued,
        quantity, element, year, value, outcome, unit, log_error, verdict, confidence.
        """
        return published_table()

    @property
    def provenance(self) -> dict[str, Any]:
        """What is needed to repeat the run: tables by hash, vintages, draws and entropy."""
        from importlib.metadata import version

        from reesupply.scenario.loading import data_folder

        folder = data_folder()
        tables = {
            name: hashlib.sha256((folder / f"{name}.csv").read_bytes()).hexdigest()[:12]
            for name in _READ
        }
        return {
            "vintages": list(self.vintages),
            "years": list(self.years),
            "draws": self.draws,
            "entropy": str(self.entropy),
            "tables": tables,
            "versions": {name: version(name) for name in ("reesupply", "numpy", "statsmodels")},
        }

    @property
    def plot(self) -> VerificationPlots:
        """Charts: ``plot.pit()``, ``plot.skill()`` and ``plot.fan(quantity)``, each an Axes."""
        from reesupply.plots.verification import VerificationPlots

        return VerificationPlots(self)

    def text(self) -> str:
        """
        Say in words and tables what was found, losses included.

        Returns
        -------
        str
            Plain text of at most 100 columns.
        """
        from reesupply.report.verification import verification_text

        return verification_text(self)

    def write(self, folder: str | Path) -> None:
        """
        Write tables (CSV), charts (PNG, SVG) and the text to a folder.

        Parameters
        ----------
        folder : str or Path
            Made if it does not exist; an earlier one of ours is replaced when the new one is whole.

        Raises
        ------
        ReesupplyError
            If the folder holds something else.
        """
        from reesupply.report.verification import write_verification

        write_verification(self, folder)


def verify(
    vintages: Sequence[int] = VINTAGES,
    years: Sequence[int] = YEARS,
    *,
    draws: int = DRAWS,
    rng: Any = 2035,
) -> Verification:
    """
    Forecast again from past vintages, and score the forecasts on what came.

    Parameters
    ----------
    vintages : sequence of int
        Ends of these years. Known are statistics of the years before, and what was issued in them.
    years : sequence of int
        Years to score; of each vintage those after it. Quantities without a value are left out.
    draws : int
        Of each ensemble.
    rng : None, int, numpy.random.SeedSequence or numpy.random.Generator
        As in :func:`reesupply.simulate`; fixed by default, so that two people see one table.

    Returns
    -------
    Verification
        ``scores``, ``summary``, ``basis`` (what each forecast rested on, or why there is none),
        ``published``, ``differences``, ``plot``, ``text()`` and ``write(folder)``.

    Raises
    ------
    ReesupplyError
        If a vintage has no later year, `draws` is too small, or nothing of the model can be scored.

    Notes
    -----
    The model is scored part by part, as a deficit has no outcome: activities by the fitted growth
    along published outlooks, demand as alloy times content, mines by the pipeline. Beside it stand
    published forecasts, the announced schedule, the last value, and drift, ETS and ARIMA fitted to
    the values up to the vintage. Nothing is fitted to what came.

    Examples
    --------
    >>> import reesupply as rs
    >>> found = rs.verify(vintages=[2018], draws=500)
    >>> found.summary.loc[("wind additions", "ETS"), "verdict"] in ("model better", "model worse")
    True
    """
    import pandas as pd

    _check_draws(draws)
    ends, scored = _in_order("vintages", vintages), _in_order("years", years)
    if not ends or not scored or scored[-1] <= ends[-1]:
        msg = f"verify: found years {scored} and vintages {ends}; each vintage needs a later year"
        raise ReesupplyError(msg)
    record, entropy = Record.shipped(), entropy_of(rng)
    made: list[Hindcast] = []
    basis: list[Basis] = []
    for before, vintage in zip([ends[0] - OLDEST_OUTLOOK - 1, *ends], ends, strict=False):
        later = [year for year in scored if year > vintage]
        more = hindcasts(
            record.until(vintage), vintage, later, after=before, draws=draws, entropy=entropy
        )
        made += more[0]
        basis += more[1]
    index = ["vintage", "quantity", "method"]
    frame = pd.DataFrame(basis, columns=Basis._fields).set_index(index)
    outcomes = {quantity.name: record.values(quantity) for quantity in QUANTITIES}
    frame = frame.astype({"first": "Int64", "last": "Int64"})
    found = Verification(
        tuple(ends), tuple(scored), int(draws), entropy, tuple(made), frame, outcomes
    )
    if not (found.scores["method"] == MODEL).any():
        msg = f"verify: of the years {scored} the model has no forecast with an outcome from {ends}"
        raise ReesupplyError(msg)
    return found


def _check_draws(draws: Any) -> None:
    if isinstance(draws, bool) or not isinstance(draws, int | np.integer) or draws < 100:
        msg = f"draws: found {draws!r}, allowed is a whole number from 100"
        raise ReesupplyError(msg)


def _in_order(name: str, years: Any) -> list[int]:
    """Return years in order, each once."""
    return sorted(set(whole_years(name, years)))
