"""The public functions: tables of measures with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.analysis.sensitivity import information, target
from reesupply.analysis.sensitivity.correlations import partial, spearman
from reesupply.analysis.sensitivity.emulator import Emulator, shapley
from reesupply.analysis.sensitivity.slices import first_order, output_steps, pawn, tornado
from reesupply.engine.blas import ONE_BLAS_THREAD
from reesupply.errors import ReesupplyError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd

    from reesupply.analysis.sensitivity.sample import Estimate, Sample
    from reesupply.result import Result

    FloatArray = npt.NDArray[np.float64]

GROUP, INPUT = "group", "input"
DUMMY, FACTOR, REST = "dummy", "named factor", "not explained"


def sensitivity(
    result: Result,
    of: str | FloatArray = "balance",
    *,
    year: int | None = None,
    element: str | None = None,
    bloc: str | None = None,
    by: str = GROUP,
    groups: Mapping[str, str] | None = None,
    resamples: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """
    Tell what moves an output, from the draws of one run.

    Parameters
    ----------
    result : Result
        A run that kept its inputs and the output. Its weights count.
    of : str or ndarray, shape (draw,)
        Name of a variable, claim or input, or draws of your own.
    year, element, bloc
        Select; of a variable by default the last year, all elements, the world.
    by : {"group", "input"}
        Groups of inputs or single ones.
    groups : mapping of str to str, optional
        Group by regular expression of input names, the first that matches counts, at most ten
        groups; by default `reesupply.analysis.drivers.GROUPS`.
    resamples : int
        Bootstrap resamples; 0 leaves the intervals out.
    seed : int
        Of the resamples; equal seeds give equal tables.

    Returns
    -------
    pandas.DataFrame
        Index (group or input, measure); value, and low and high of its 95 % interval; for inputs
        their group. Most important first. ``attrs`` has the output, the number of draws, what
        number of equal draws the weights are worth, how many inputs the emulator has room for, and
        its R squared, adjusted and out of sample. Not a number where there are too few draws.

    Raises
    ------
    ReesupplyError
        If draws were not kept, or a name or argument is unknown.

    Notes
    -----
    For groups, from a fitted emulator: "first" is the share of variance that the group explains
    alone, "shapley" its fair part of what all explain, "total" what is lost without it, and
    "total at most" that and all that the emulator does not explain. For inputs: "first" from bins;
    "total" and "total at most" from the emulator; "pawn"; "spearman" and "partial" rank
    correlations; "low" and "high", the mean output beside that of all draws where the input is
    between its P5 and P15 and between its P85 and P95, and their difference "swing". The input
    "dummy" is random numbers: what is not clear of it is noise. Named factors act through
    their inputs and have no "total" and "partial".

    The page on sensitivity says how each is estimated and what it means where inputs depend on
    each other.

    Examples
    --------
    >>> import reesupply as rs
    >>> result = rs.simulate(draws=2_048, rng=1)
    >>> table = rs.sensitivity(result, "balance", year=2035)
    >>> bool(0 < table.loc["Dy and Tb per magnet", "shapley"]["value"] < 1)
    True
    """
    _one_of("by", by, (GROUP, INPUT))
    label, output = target.output_of(result, of, {"year": year, "element": element, "bloc": bloc})
    own = target.groups_of(result, groups)
    members = target.members_of(own, result.input_names)
    with ONE_BLAS_THREAD:
        sample = target.sample_of(result, output, resamples, seed)
        emulator, first = _emulator(sample, members)
        if by == GROUP:
            frame = _by_group(emulator, members)
        else:
            frame = _by_input(result, sample, emulator, first, own)
    frame.attrs = {
        "of": label,
        "draws": result.draws,
        "effective draws": sample.size,
        "inputs of the emulator": len(emulator.lines),
        "R2 adjusted": float(emulator.explained[0]),
        "R2 out of sample": emulator.out_of_sample,
    }
    return frame


def value_of_information(
    result: Result,
    of: str | FloatArray = "balance",
    *,
    above: float | None = None,
    below: float | None = None,
    year: int | None = None,
    element: str | None = None,
    bloc: str | None = None,
    loss: str = information.TONNES,
    false_alarm: float = 1.0,
    by: str = GROUP,
    groups: Mapping[str, str] | None = None,
    resamples: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """
    Tell what it is worth to know an input before one decides whether an output passes a threshold.

    Parameters
    ----------
    result : Result
        A run that kept its inputs and the output. Its weights count.
    of : str or ndarray, shape (draw,)
        As in `sensitivity`.
    above, below : float
        The threshold, one of the two: act if the output is above, or below, it. A deficit of 1,000
        t is a balance below -1,000.
    year, element, bloc
        Select; of a variable by default the last year, all elements, the world.
    loss : {"tonnes", "call"}
        What a wrong decision costs: "tonnes", the distance between output and threshold; "call", 1
        if one should have acted and did not, and `false_alarm` if one acted in vain.
    false_alarm : float
        Of "call", above 0.
    by, groups, resamples, seed
        As in `sensitivity`.

    Returns
    -------
    pandas.DataFrame
        Index group or input, and "everything"; value, the expected loss that knowing it saves (t,
        or calls), with its 95 % interval, and share of that of everything. Largest first. Not a
        number where half of the draws are too few for so many inputs.

    Raises
    ------
    ReesupplyError
        If not exactly one of `above` and `below` is given, draws were not kept, or a name or
        argument is unknown.

    Notes
    -----
    Expected value of partial perfect information by regression (Strong, Oakley and Brennan 2014,
    https://doi.org/10.1177/0272989X13505910). The rule is found on one half of the draws and judged
    on the other, in turn, so the value does not gain from noise. It is that of the rule found, on
    average a lower bound, and may come out slightly below 0.
    """
    _one_of("by", by, (GROUP, INPUT))
    _one_of("loss", loss, (information.TONNES, information.CALL))
    over = _over(above, below)
    if not 0.0 < false_alarm < np.inf:
        msg = f"false_alarm: found {false_alarm!r}, allowed is a number above 0"
        raise ReesupplyError(msg)
    label, output = target.output_of(result, of, {"year": year, "element": element, "bloc": bloc})
    members = target.members_of(target.groups_of(result, groups), result.input_names)
    benefit = information.net_benefit(over(output), loss, false_alarm)
    with ONE_BLAS_THREAD:
        sample = target.sample_of(result, benefit, resamples, seed)
        benefit = sample.output + sample.mean
        found = {"everything": information.perfect(sample, benefit)}
        if by == GROUP:
            emulator, _ = _emulator(sample, members)
            for group, rows in members.items():
                found[group] = information.of_group(emulator, benefit, rows)
        else:
            for name, ranks in zip((*result.input_names, DUMMY), sample.ranks, strict=True):
                found[name] = information.of_input(sample, benefit, ranks)
    frame = _information_frame(sample, found, by)
    frame.attrs = {"of": label, "threshold": above if below is None else below, "loss": loss}
    return frame


def _emulator(sample: Sample, members: dict[str, list[int]]) -> tuple[Emulator, FloatArray]:
    """Fit the emulator; return it with the first-order indices that ordered the inputs."""
    first = np.array([first_order(sample, ranks) for ranks in sample.ranks])
    rows = sorted(row for group in members.values() for row in group)
    order = sorted(rows, key=lambda row: -first[row, 0])
    return Emulator(sample, rows, order), first


def _by_group(emulator: Emulator, members: dict[str, list[int]]) -> pd.DataFrame:
    import pandas as pd

    number, sample = len(members), emulator.sample
    sets = [
        frozenset(
            row for bit, rows in enumerate(members.values()) if place >> bit & 1 for row in rows
        )
        for place in range(2**number)
    ]
    closed = emulator.closed(sets)
    bits = [1 << bit for bit in range(number)]
    without = closed[:, [2**number - 1 - bit for bit in bits]]
    measures = {
        "shapley": shapley(closed, number),
        "first": closed[:, bits],
        "total": closed[:, [-1]] - without,
        "total at most": 1.0 - without,
    }
    frames = _tidy(sample, measures, list(members), GROUP)
    order = np.argsort(-measures["shapley"][0], kind="stable")
    frame = frames.loc[[list(members)[place] for place in order]]
    rest = _tidy(sample, {"shapley": 1.0 - closed[:, [-1]]}, [REST], GROUP)
    return pd.concat([frame, rest])


def _by_input(
    result: Result, sample: Sample, emulator: Emulator, first: FloatArray, own: dict[str, str]
) -> pd.DataFrame:
    names = [*result.input_names, DUMMY]
    steps = output_steps(sample)
    known = [row for row, name in enumerate(names) if name in own]
    ends = [tornado(sample, ranks) for ranks in sample.ranks]
    distance = [pawn(sample, ranks, steps) for ranks in sample.ranks]
    without = _spread_out(emulator.without_each(), emulator.lines, len(names))
    low, high, swing = np.stack(ends, axis=-1).transpose(1, 0, 2)
    measures = {
        "first": first.T,
        "total": emulator.explained[:, np.newaxis] - without,
        "total at most": 1.0 - without,
        "pawn": np.stack(distance, axis=-1),
        "spearman": spearman(sample),
        "partial": _spread_out(partial(sample, known), known, len(names)),
        "low": low,
        "high": high,
        "swing": swing,
    }
    frame = _tidy(sample, measures, names, INPUT)
    order = np.argsort(-first[:, 0], kind="stable")
    frame = frame.loc[[names[row] for row in order]]
    label = {DUMMY: DUMMY, **own}
    frame["group"] = [label.get(name, FACTOR) for name in frame.index.get_level_values(0)]
    acts = ~((frame["group"].isin([FACTOR, DUMMY])) & frame["value"].isna())
    return frame[acts]


def _spread_out(values: FloatArray, rows: Sequence[int], size: int) -> FloatArray:
    """Put the values of some inputs in their places among all."""
    out = np.full((len(values), size), np.nan)
    out[:, list(rows)] = values
    return out


def _tidy(
    sample: Sample, measures: dict[str, FloatArray], names: list[str], kind: str
) -> pd.DataFrame:
    """Return one row for each name and measure, from arrays (1 + resample, name)."""
    import pandas as pd

    found: dict[str, Estimate] = {name: sample.estimate(each) for name, each in measures.items()}
    index = pd.MultiIndex.from_product([names, list(measures)], names=[kind, "measure"])
    columns: dict[str, Any] = {
        part: np.column_stack([getattr(each, part) for each in found.values()]).ravel()
        for part in ("value", "low", "high")
    }
    return pd.DataFrame(columns, index=index)


def _information_frame(sample: Sample, found: dict[str, FloatArray], kind: str) -> pd.DataFrame:
    import pandas as pd

    estimates = {name: sample.estimate(values) for name, values in found.items()}
    rows = {n: (float(e.value), float(e.low), float(e.high)) for n, e in estimates.items()}
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["value", "low", "high"])
    frame.index.name = kind
    whole = rows["everything"][0]
    frame["share"] = frame["value"] / whole if whole > 0.0 else np.nan
    return frame.sort_values("value", ascending=False, kind="stable")


def _over(above: float | None, below: float | None) -> Any:
    """Return by how much an output passes the threshold, as a function of its draws."""
    if (above is None) == (below is None):
        msg = "value_of_information: give one threshold, above= or below="
        raise ReesupplyError(msg)
    given: Any = below if above is None else above
    if not (isinstance(given, float | int | np.number) and np.isfinite(given)):
        msg = f"{'below' if above is None else 'above'}: found {given!r}, allowed is a number"
        raise ReesupplyError(msg)
    if above is not None:
        return lambda output: output - above
    return lambda output: below - output


def _one_of(what: str, found: str, allowed: tuple[str, ...]) -> None:
    if found not in allowed:
        msg = f"{what}: found {found!r}; {nearest(str(found), allowed)}"
        raise ReesupplyError(msg)
