"""The deterministic run of a scenario: every input at its median, and nothing drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.engine.simulate import compile
from reesupply.engine.variables import VARIABLES

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from reesupply.engine.plan import Plan
    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]


def central_run(scenario: Scenario | Plan | str | Path = "baseline") -> dict[str, FloatArray]:
    """
    Run a scenario once, with every input at its median.

    What a spreadsheet would do. It is not the median of the draws, nor their mean: a project that
    works in six cases of ten works here, one that works in four does not, and demand is no
    straight line in its inputs. Named factors are at 0. A coin of even odds has no median; it
    gives its lower value, so for example the survey of the base year counts scrap.

    Parameters
    ----------
    scenario : Scenario, str, Path or Plan
        As in :func:`reesupply.simulate`.

    Returns
    -------
    dict of str to ndarray
        Every variable by name without the axis of draws, t oxide/yr, and "claims", shape (claim,),
        in the order of ``plan.claims``. The arrays are the caller's.

    Raises
    ------
    ScenarioError
        If the scenario is wrong.

    Examples
    --------
    >>> from reesupply.analysis.central import central_run
    >>> run = central_run("cru-reading")
    >>> round(float(run["demand"][..., 0].sum()))
    1100
    """
    plan = compile(scenario)
    # one draw in place of a lane of 1,024: no number of it is random
    lane = plan.run_lane(np.full((len(plan.inputs.names), 1), 0.5))
    names = [name for name in (*VARIABLES, "claims") if name in lane]
    return {name: lane[name][..., 0].copy() for name in names}
