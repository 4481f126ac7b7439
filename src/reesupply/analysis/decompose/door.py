"""The door to a decomposition: run every set of blocks on the same draws."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.analysis.central import central_run
from reesupply.analysis.decompose.blocks import Block, blocks_of
from reesupply.analysis.decompose.decomposition import CENTRAL, MEAN, Decomposition
from reesupply.analysis.tables import captive_rows, heavy_mean
from reesupply.engine.plan import compile_scenario
from reesupply.engine.progress import reporter
from reesupply.engine.simulate import compile, simulate
from reesupply.engine.variables import DATA
from reesupply.errors import ReesupplyError
from reesupply.sampling import entropy_of
from reesupply.scenario.mixture import mixed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from reesupply.engine.plan import Plan
    from reesupply.engine.progress import Progress
    from reesupply.result import Result
    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]

#: Draws of each of the runs, one for every set of blocks.
DRAWS = 1_024
#: With all of it kept a run needs no edges of histograms, which would take longer than the run.
_KEEP = (*DATA, "claims")


def decompose(
    first: Scenario | Plan | str | Path = "baseline",
    second: Scenario | Plan | str | Path = "cru-reading",
    *,
    blocks: Mapping[str, Sequence[str]] | None = None,
    draws: int = DRAWS,
    rng: Any = 2035,
    workers: int | None = None,
    progress: Progress = False,
) -> Decomposition:
    """
    Divide what lies between the deficits of two scenarios among blocks of assumptions.

    Parameters
    ----------
    first, second : Scenario, str, Path or Plan
        As in :func:`reesupply.simulate`; of the same years and elements.
    blocks : mapping of str to sequence of str, optional
        What is switched together: paths of cells, as `Scenario.replace` takes them, by the name
        of the block; ``*`` stands for anything. Cells that no block names are the block "the
        rest". By default the level of the base year, its stocks, demand, the course of Chinese
        supply, mines and plants outside China, recycling
        (`reesupply.analysis.decompose.standard_patterns`).
    draws : int
        Draws of each run; 0 makes deterministic runs only, with each input at its median, which
        is quicker.
    rng, workers
        As in :func:`reesupply.simulate`. All runs have the same draws, in hypercubes.
    progress : bool or callable
        As in :func:`reesupply.simulate`, over all runs.

    Returns
    -------
    Decomposition
        Its ``steps()`` sum to the difference exactly, ``text()`` says it in words and ``plot()``
        draws it.

    Raises
    ------
    ReesupplyError
        If the scenarios have other years or elements, do not differ, or some blocks of the second
        cannot go with the rest of the first.

    Notes
    -----
    All ``2 ** k`` sets of k blocks are run, so that no order of switching is preferred; the first
    and the last are the two scenarios as they are.

    Examples
    --------
    >>> import reesupply as rs
    >>> found = rs.decompose("baseline", "slips", draws=0)
    >>> steps = found.steps()["adds"]
    >>> bool(abs(steps.iloc[:-1].sum() - steps.iloc[-1]) < 1e-6)
    True
    """
    plans = (compile(first), compile(second))
    _check_alike(*plans)
    own = blocks_of(plans[0].scenario, plans[1].scenario, blocks)
    if not own:
        msg = "decompose: found two scenarios that do not differ, allowed are two that do"
        raise ReesupplyError(msg)
    size = _draws(draws)
    seed = entropy_of(rng)
    central, mean, deficits = [], [], []
    with reporter(progress, (1 << len(own)) * max(size, 1)) as report:
        for place in range(1 << len(own)):
            plan = _plan(plans, own, place)
            try:
                central.append(_central_parts(plan))
                if size:
                    result = simulate(
                        plan, draws=size, rng=seed, design="lhs", workers=workers, keep=_KEEP
                    )
                    mean.append(_mean_parts(result))
                    deficits.append(-result.values("balance", element=result.all_elements))
            except ReesupplyError as error:
                if plan in plans:  # of no mixture: it says itself what is wrong
                    raise
                raise _of_set(own, place, error) from None
            report((place + 1) * max(size, 1))
    values = {MEAN: np.stack(mean)} if size else {}
    values[CENTRAL] = np.stack(central)
    none = np.empty((1 << len(own), len(plans[0].years), 0))
    return Decomposition(
        first=plans[0],
        second=plans[1],
        names=_names((first, second), plans),
        blocks=own,
        draws=size,
        entropy=seed,
        values=values,
        deficits=np.stack(deficits) if size else none,
    )


def _check_alike(first: Plan, second: Plan) -> None:
    for what in ("years", "elements"):
        one, other = getattr(first, what), getattr(second, what)
        if one != other:
            # years follow each other; of elements the first and the last could be the same
            between = " to " if what == "years" else ", "
            ends = [each[:: len(each) - 1] if what == "years" else each for each in (one, other)]
            both = " and ".join(between.join(map(str, each)) for each in ends)
            msg = f"decompose: found {what} {both}, allowed are the same"
            raise ReesupplyError(msg)


def _draws(draws: Any) -> int:
    if isinstance(draws, bool) or not isinstance(draws, int | np.integer) or draws < 0:
        msg = f"draws: found {draws!r}, allowed is an integer from 0"
        raise ReesupplyError(msg)
    return int(draws)


def _names(given: tuple[Any, Any], plans: tuple[Plan, Plan]) -> tuple[str, str]:
    """Return the names or files that were given, else the titles."""
    names = [
        Path(str(one)).stem if isinstance(one, str | Path) else plan.title
        for one, plan in zip(given, plans, strict=True)
    ]
    if names[0] == names[1]:
        names = [f"{name} ({plan.hash[:6]})" for name, plan in zip(names, plans, strict=True)]
    return names[0], names[1]


def _plan(plans: tuple[Plan, Plan], blocks: Sequence[Block], place: int) -> Plan:
    """Compile the first scenario with a set of blocks of the second."""
    if place in (0, (1 << len(blocks)) - 1):
        return plans[place > 0]
    taken = [one for k, block in enumerate(blocks) if place >> k & 1 for one in block.differences]
    try:
        # not compile(): these plans are used once and need no hash
        return compile_scenario(mixed(plans[0].scenario, plans[1].scenario, taken))
    except ReesupplyError as error:
        raise _of_set(blocks, place, error) from None


def _of_set(blocks: Sequence[Block], place: int, error: ReesupplyError) -> ReesupplyError:
    names = [repr(block.name) for k, block in enumerate(blocks) if place >> k & 1]
    msg = (
        f"decompose: {' and '.join(names)} of the second scenario cannot go with the "
        f"rest of the first, put into one block what belongs together: {error}"
    )
    return ReesupplyError(msg)


def _mean_parts(result: Result) -> FloatArray:
    whole = result.all_elements
    demand, new, old = (
        np.asarray(result.mean(name, element=whole, bloc="world"))
        for name in ("demand", "recycled_new_scrap", "recycled_end_of_life")
    )
    return _parts(result.plan, demand, heavy_mean(result, "project.separated"), new, old)


def _central_parts(plan: Plan) -> FloatArray:
    run, heavy = central_run(plan), list(plan.heavy)
    demand, new, old = (
        run[name][:, heavy].sum(axis=(0, 1))
        for name in ("demand", "recycled_new_scrap", "recycled_end_of_life")
    )
    return _parts(plan, demand, run["project.separated"][:, heavy].sum(axis=1), new, old)


def _parts(
    plan: Plan, demand: FloatArray, separated: FloatArray, new: FloatArray, old: FloatArray
) -> FloatArray:
    """Stack what a deficit is made of, (part, year)."""
    captive = captive_rows(plan)
    return np.stack(
        [demand, -separated[captive].sum(axis=0), -separated[~captive].sum(axis=0), -new, -old]
    )
