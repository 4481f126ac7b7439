"""From a result to draws of an output and to groups of inputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.analysis.drivers import chinese_rows, group_of, input_draws
from reesupply.analysis.sensitivity.sample import Sample
from reesupply.engine.variables import VARIABLES
from reesupply.errors import ReesupplyError
from reesupply.sampling import LANE, SCRAMBLES

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.result import Result

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

#: Name of the group of inputs that no pattern matches.
OTHER = "other"
#: All sets of groups are fitted, two to the power of their number.
MOST_GROUPS = 10


def output_of(
    result: Result, of: str | FloatArray, where: dict[str, Any]
) -> tuple[str, FloatArray]:
    """
    Name an output and return its draws.

    Parameters
    ----------
    result : Result
        The run.
    of : str or ndarray, shape (draw,)
        A variable, claim or input, or draws.
    where : dict
        Labels by axis; of a variable None is the last year, all elements, the world.

    Returns
    -------
    str, ndarray of shape (draw,)

    Raises
    ------
    ReesupplyError
        If more than one number a draw is left, or `of` has another number of draws.
    """
    if not isinstance(of, str):
        draws = np.asarray(of, dtype=np.float64)
        if draws.shape != (result.draws,):
            msg = f"of: found an array of shape {draws.shape}, allowed is ({result.draws},)"
            raise ReesupplyError(msg)
        return "output", draws
    if of in VARIABLES:
        usual = {"year": result.plan.years[-1], "element": result.all_elements, "bloc": "world"}
        known = VARIABLES[of].dims
        where = {k: usual[k] if v is None and k in known else v for k, v in where.items()}
    draws = result.values(of, **where)
    if draws.ndim != 1:
        axes = [each for each in VARIABLES[of].dims if where.get(each) is None]
        msg = f"of: {of} has one number for each {' and '.join(axes)}; give one draw by draw"
        raise ReesupplyError(msg)
    label = " ".join(str(each) for each in (of, *where.values()) if each is not None)
    return label, draws


def sample_of(result: Result, output: FloatArray, resamples: int, seed: int) -> Sample:
    """
    Return the draws of a result's inputs with those of an output.

    Parameters
    ----------
    result : Result
        A run that kept its inputs.
    output : ndarray, shape (draw,)
        What is explained.
    resamples, seed : int
        Of the bootstrap.

    Returns
    -------
    Sample
        Its last row is a dummy: random numbers that nothing follows.

    Raises
    ------
    ReesupplyError
        If the draws of the inputs were not kept, or a number is out of range.
    """
    for name, value, least in (("resamples", resamples, 0), ("seed", seed, 0)):
        given: Any = value
        if isinstance(given, bool) or not isinstance(given, int | np.integer) or given < least:
            msg = f"{name}: found {value!r}, allowed is a whole number from {least}"
            raise ReesupplyError(msg)
    return Sample(
        input_draws(result),
        output,
        weights=result.weights,
        blocks=_blocks(result),
        dummy=True,
        resamples=resamples,
        seed=seed,
    )


def _blocks(result: Result) -> IntArray | None:
    """Return the independent parts of a design; those of hypercubes once there are enough."""
    lane = np.arange(result.draws) // LANE
    if result.design == "sobol" or (result.design == "lhs" and lane[-1] >= SCRAMBLES - 1):
        return lane % SCRAMBLES
    return None


def groups_of(result: Result, patterns: Mapping[str, str] | None) -> dict[str, str]:
    """
    Return the group of every kept input that is no named factor.

    Parameters
    ----------
    result : Result
        A run that kept its inputs.
    patterns : mapping of str to str, optional
        Group by pattern of the input's name, the first that matches counts; None is
        `reesupply.analysis.drivers.GROUPS`.

    Returns
    -------
    dict of str to str

    Raises
    ------
    ReesupplyError
        If they are no mapping, or a pattern is no regular expression.
    """
    names = [name for name in result.input_names if not name.startswith("factors.")]
    if patterns is None:
        chinese = chinese_rows(result.plan.scenario)
        return {name: group_of(name, chinese) or OTHER for name in names}
    wanted: Any = patterns
    if not isinstance(wanted, Mapping) or not all(isinstance(one, str) for one in wanted):
        msg = f"groups: found {patterns!r}, allowed is a mapping of patterns to names of groups"
        raise ReesupplyError(msg)
    compiled = []
    for pattern, group in patterns.items():
        try:
            compiled.append((re.compile(pattern), group))
        except re.error as error:
            msg = f"groups: found {pattern!r}, allowed is a regular expression ({error})"
            raise ReesupplyError(msg) from error
    return {
        name: next((group for one, group in compiled if one.match(name)), OTHER) for name in names
    }


def members_of(groups: dict[str, str], names: tuple[str, ...]) -> dict[str, list[int]]:
    """
    Return the rows of the inputs of each group.

    Raises
    ------
    ReesupplyError
        If there are more than ten groups.
    """
    members: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        if name in groups:
            members.setdefault(groups[name], []).append(row)
    if len(members) > MOST_GROUPS:
        msg = f"groups: found {len(members)} groups, allowed are at most {MOST_GROUPS}"
        raise ReesupplyError(msg)
    return members
