"""What it costs to compute in single precision: the same draws in both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.engine.blas import ONE_BLAS_THREAD
from reesupply.engine.statistics import CLAIMS, with_sums
from reesupply.engine.variables import DATA
from reesupply.engine.workspace import Workspace
from reesupply.sampling import LANE, Sampler, check_design

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from reesupply.result import Result

    FloatArray = npt.NDArray[np.float64]

__all__ = ["rounding_table"]


def rounding_table(result: Result) -> pd.DataFrame:
    """Compare the first lane of a run with itself in double precision; see `Result.rounding`."""
    import pandas as pd

    exact = _first_lane(result, "float64")
    found = exact if result.dtype == "float64" else _first_lane(result, result.dtype)
    units = {name: variable.units for name, variable in DATA.items()}
    units |= {claim.name: claim.unit for claim in result.plan.claims}
    rows = [
        {"quantity": name, "unit": units[name], **_difference(exact[name], found[name])}
        for name in units
    ]
    return pd.DataFrame(rows).set_index("quantity")


def _first_lane(result: Result, dtype: str) -> dict[str, FloatArray]:
    """Return the variables, sums over labels included, and the claims, each (cell, draw)."""
    plan = result.plan
    design = check_design(result.design)
    sampler = Sampler(result.entropy, plan.inputs.names, design, plan.dimensions)
    workspace = Workspace()
    workspace.dtype = np.dtype(dtype)
    uniforms = sampler.lane(0, np.empty((len(plan.inputs.names), LANE)))
    with ONE_BLAS_THREAD:
        lane = plan.run_lane(uniforms, workspace=workspace)
    draws = min(result.draws, LANE)
    found = {
        name: with_sums(name, lane[name], plan.heavy).reshape(-1, LANE)[:, :draws] for name in DATA
    }
    for claim, values in zip(plan.claims, lane[CLAIMS], strict=True):
        found[claim.name] = values[np.newaxis, :draws]
    return found


def _difference(exact: FloatArray, found: FloatArray) -> dict[str, float]:
    same = (exact == found) | (np.isnan(exact) & np.isnan(found))
    off = np.subtract(found, exact, out=np.zeros_like(exact), where=~same)
    typical, spread = np.sqrt((off**2).mean(axis=1)), np.nanstd(exact, axis=1)
    # what varies by rounding alone has no spread to compare with
    varies = spread > 1e-9 * np.abs(exact).max(initial=0.0, where=np.isfinite(exact))
    differs = typical > 0.0
    share = np.max(typical[varies] / spread[varies], initial=0.0)
    if differs.any() and not (differs & varies).any():
        share = np.nan
    return {"largest": float(np.abs(off).max(initial=0.0)), "share_of_sd": float(share)}
