"""Results as files and tables of other programs: netCDF, long tables, IAMC."""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.engine.histograms import Histograms
from reesupply.engine.joint import Joint
from reesupply.engine.lanesums import LaneSums
from reesupply.engine.layout import Layout
from reesupply.engine.precision import Groups
from reesupply.engine.statistics import Moments
from reesupply.engine.variables import BLOC, DATA, ELEMENT, VARIABLES, YEAR
from reesupply.errors import ReesupplyError
from reesupply.result import LEVELS, Result
from reesupply.result.labels import coords_of
from reesupply.result.statistics import weighted_moments

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt
    import pandas as pd
    import xarray as xr

    FloatArray = npt.NDArray[np.float64]

#: Says that a file is ours, and how it is laid out.
FORMAT = "reesupply result 1"

_REGION = {"china": "China", "ex_china": "World outside China", "world": "World"}
_IAMC = {
    "demand": "Demand|Gross",
    "use_demand": "Demand|Gross|By Use",
    "mine_supply": "Supply|Mines",
    "refined_supply": "Supply|Refined",
    "recycled_new_scrap": "Supply|Recycled|New Scrap",
    "recycled_end_of_life": "Supply|Recycled|End of Life",
    "lost_new_scrap": "Losses|New Scrap",
    "lost_end_of_life": "Losses|End of Life",
    "retired": "Goods|Leaving Use",
    "balance": "Balance",
    "in_use_stock": "Stock|In Use",
    "scrap_stock": "Stock|Scrap",
    "surplus_stock": "Stock|Surplus",
    "concentrate_stock": "Stock|Concentrate",
}


def to_frame(result: Result, name: str) -> pd.DataFrame:
    """
    Statistics of a variable as a long table; see `Result.to_frame`.

    Parameters
    ----------
    result : Result
        A run.
    name : str
        A variable of ``result.data``.

    Returns
    -------
    pandas.DataFrame
        One row per cell: labels, mean, sd, P5, P50 and P95 where its draws were kept, unit.

    Raises
    ------
    ReesupplyError
        If there is no such variable.
    """
    import pandas as pd

    result.mean(name)  # an unknown name is said here
    if name not in VARIABLES:
        msg = f"to_frame: {name!r} has no axes but draws; take result.claims or result.inputs"
        raise ReesupplyError(msg)
    coords = coords_of(result.plan, name)
    index = pd.MultiIndex.from_product(list(coords.values()), names=list(coords))
    columns = {"mean": np.ravel(np.asarray(result.mean(name)))}
    if result.weights is None:
        columns["sd"] = np.ravel(result.moments.sd(name))
    else:
        columns["sd"] = np.ravel(weighted_moments(result.values(name), result.weights)[1])
    if name in result.arrays:
        for q in LEVELS:
            columns[f"P{100 * q:.0f}"] = np.ravel(np.asarray(result.quantile(name, q)))
    return pd.DataFrame(columns, index=index).assign(unit=VARIABLES[name].units).reset_index()


def to_iamc(result: Result) -> pd.DataFrame:
    """
    Statistics in IAMC columns; see `Result.to_iamc`.

    Parameters
    ----------
    result : Result
        A run.

    Returns
    -------
    pandas.DataFrame
        Model, Scenario, Region, Variable, Unit, and one column per year. The statistic is the last
        part of the variable's name, for example
        ``Heavy Rare Earths|Dy+Tb|Supply|Refined|P50``.
    """
    import pandas as pd

    tables = []
    for name, variable in _IAMC.items():
        long = to_frame(result, name)
        statistics = [c for c in ("mean", *(f"P{100 * q:.0f}" for q in LEVELS)) if c in long]
        if BLOC not in long:
            long[BLOC] = "world"
        melted = long.melt([BLOC, ELEMENT, YEAR, "unit"], statistics, "statistic")
        parts = ["Heavy Rare Earths", melted[ELEMENT], variable, melted["statistic"].str.title()]
        melted["Variable"] = [
            "|".join(each) for each in zip(*(_repeat(p, len(melted)) for p in parts), strict=True)
        ]
        tables.append(melted)
    whole = pd.concat(tables).rename(columns={"unit": "Unit"})
    whole["Region"] = whole[BLOC].map(_REGION)
    said = "" if result.weights is None else ", conditioned"
    whole["Model"], whole["Scenario"] = "reesupply", f"{result.plan.title}{said}"
    keys = ["Model", "Scenario", "Region", "Variable", "Unit"]
    wide = whole.pivot_table("value", keys, YEAR, sort=False).reset_index()
    wide.columns.name = None
    return wide


def _repeat(part: Any, n: int) -> list[str]:
    return [part] * n if isinstance(part, str) else [str(each) for each in part]


def to_netcdf(result: Result, path: str | Path) -> None:
    """
    Write a result to one netCDF file; see `Result.to_netcdf`.

    Parameters
    ----------
    result : Result
        A run.
    path : str or Path
        File to write; it is replaced only when the new one is complete.

    Raises
    ------
    ReesupplyError
        If the file cannot be written.
    """
    import xarray as xr

    check_file(path)
    target = Path(path)
    groups: dict[str, xr.Dataset] = {"/": xr.Dataset(attrs=_header(result))}
    if any(name in result.arrays for name in DATA):
        groups["/data"] = result.data
    groups["/project"], groups["/end_use"] = result.project, result.end_use
    for kind in ("claims", "inputs"):
        if kind in result.arrays:
            groups[f"/{kind}"] = _matrix(result, kind)
    groups["/moments"] = _moments(result)
    if result.joint is not None:
        groups["/joint"] = _own_axes(result.joint.total)
    encoding: dict[str, Any] = {}
    if result.histograms.layout.rows:
        groups["/histograms"] = _histograms(result)
        encoding["/histograms"] = {"counts": {"zlib": True, "complevel": 1}}  # mostly zeros
    if result.weights is not None:
        groups["/weights"] = xr.Dataset({"weights": ("draw", result.weights)})
        if result.conditioning is not None and result.conditioning.prior.weights is not None:
            groups["/weights"]["before"] = ("draw", result.conditioning.prior.weights)
    with _folder_beside(target) as folder:
        draft = folder / "draft.nc"
        xr.DataTree.from_dict(groups).to_netcdf(draft, engine="h5netcdf", encoding=encoding)
        draft.replace(target.resolve())


def check_file(path: str | Path) -> None:
    """
    Check that a file may be written, for example before a long run.

    Parameters
    ----------
    path : str or Path
        It may not exist yet.

    Raises
    ------
    ReesupplyError
        If it is a folder, or its folder cannot be written to.
    """
    target = Path(path)
    if target.is_dir():
        msg = f"{target}: found a folder, allowed is the name of a file"
        raise ReesupplyError(msg)
    with _folder_beside(target):
        pass


@contextmanager
def _folder_beside(target: Path) -> Iterator[Path]:
    """Open a folder for a draft, so that the file gets the mode that a new file has."""
    try:
        prefix, parent = f".{target.name}-", target.resolve().parent
        with tempfile.TemporaryDirectory("", prefix, parent, ignore_cleanup_errors=True) as folder:
            yield Path(folder)
    except OSError as error:
        msg = f"{target}: cannot be written ({error.strerror or error})"
        raise ReesupplyError(msg) from None


def read_result(path: str | Path) -> Result:
    """
    Read a result that `Result.to_netcdf` wrote.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    Result
        With the same draws, statistics and scenario.

    Raises
    ------
    ReesupplyError
        If the file is not one of ours.
    """
    import xarray as xr

    if not Path(path).is_file():
        msg = f"{path}: there is no such file"
        raise ReesupplyError(msg)
    try:
        tree = xr.open_datatree(path, engine="h5netcdf")
    except (OSError, ValueError) as error:
        msg = f"{path}: not a netCDF file that can be read ({error})"
        raise ReesupplyError(msg) from None
    with tree:
        if tree.attrs.get("format") != FORMAT:
            msg = f"{path}: found a file of another kind, allowed is one written by to_netcdf"
            raise ReesupplyError(msg)
        return _rebuild(tree)


def _rebuild(tree: xr.DataTree) -> Result:
    from reesupply.analysis.condition import Conditioning, Target, conditioned
    from reesupply.engine.simulate import compile
    from reesupply.scenario.serial import from_json

    arrays: dict[str, FloatArray] = {}
    for group, prefix in (("data", ""), ("project", "project."), ("end_use", "end_use.")):
        for name, array in _variables(tree, group).items():
            if "draw" in array.dims:
                arrays[name if name == "first_feed" else f"{prefix}{name}"] = array.values
    for kind in ("claims", "inputs"):
        if kind in tree:
            arrays[kind] = _variables(tree, kind)["values"].values
    attrs = tree.attrs
    moments: dict[str, dict[str, FloatArray]] = {"sum": {}, "sq": {}}
    for name, array in _variables(tree, "moments").items():
        short, _, variable = name.partition("_")
        moments[short][variable] = array.values
    joint = _variables(tree, "joint")
    weights = {name: array.values for name, array in _variables(tree, "weights").items()}
    kept = _variables(tree, "inputs").get("values")
    names = () if kept is None else tuple(str(name) for name in kept["name"].to_numpy())
    draws = int(attrs["draws"])
    counted = _variables(tree, "histograms")
    histograms = _read_histograms(counted)
    provenance = json.loads(attrs["provenance"])
    targets = tuple(Target(**each) for each in provenance.get("conditioned_on", ()))
    result = Result(
        plan=compile(from_json(attrs["scenario"])),
        draws=draws,
        entropy=int(attrs["entropy"]),
        design=str(attrs["design"]),
        seconds=float(attrs["seconds"]),
        input_names=names,
        arrays=arrays,
        moments=Moments.of(draws, moments["sum"], moments["sq"]),
        histograms=histograms,
        joint=Joint.of({k: x.values for k, x in joint.items()}) if joint else None,
        groups=_read_groups(counted, histograms),
        stopped=provenance.get("stopped"),
        weights=weights.get("before" if targets else "weights"),
        dtype=provenance.get("dtype", "float64"),
    )
    # the versions that made the draws, not those that read them
    result.provenance = {**provenance, "conditioned_on": []}
    return conditioned(Conditioning(result, targets, weights["weights"])) if targets else result


def _variables(tree: xr.DataTree, group: str) -> dict[str, xr.DataArray]:
    """Return the arrays of a group by name, none where the group does not exist."""
    if group not in tree:
        return {}
    return {str(name): array for name, array in tree[group].to_dataset().data_vars.items()}


def _header(result: Result) -> dict[str, Any]:
    from reesupply.scenario.serial import to_json

    return {
        "format": FORMAT,
        "draws": result.draws,
        "entropy": str(result.entropy),
        "design": result.design,
        "seconds": result.seconds,
        "scenario": to_json(result.plan.scenario),
        "provenance": json.dumps(result.provenance),
    }


def _matrix(result: Result, kind: str) -> xr.Dataset:
    """One array (name, draw): hundreds of variables would take seconds to write."""
    import xarray as xr

    claims = [claim.name for claim in result.plan.claims]
    names = claims if kind == "claims" else list(result.input_names)
    return xr.Dataset({"values": (("name", "draw"), result.arrays[kind])}, coords={"name": names})


def _moments(result: Result) -> xr.Dataset:
    """Return sums and squares; sums over labels are among their cells."""
    found = {f"sum_{name}": array for name, array in result.moments.sums.items()}
    found |= {f"sq_{name}": array for name, array in result.moments.squares.items()}
    return _own_axes(found)


def _own_axes(arrays: Mapping[str, FloatArray]) -> xr.Dataset:
    """Give each array axes of its own."""
    import xarray as xr

    found = {k: ([f"{k}_{axis}" for axis in range(x.ndim)], x) for k, x in arrays.items()}
    return xr.Dataset(found)


#: Attributes of `Histograms` and of its layout, one number per histogram.
_COUNTED = ("lowest", "highest", "at_lowest", "at_highest")
_EDGES = ("low", "width")
#: Those of values that many draws share.
_ATOMS = ("atom_rows", "atom_values")


def _histograms(result: Result) -> xr.Dataset:
    """Return counts and edges, and the histogram of each cell of each variable."""
    import xarray as xr

    histograms, layout = result.histograms, result.histograms.layout
    found: dict[str, Any] = {"counts": (("histogram", "bin"), histograms.counts)}
    found |= {name: ("histogram", getattr(histograms, name)) for name in _COUNTED}
    found |= {name: ("histogram", getattr(layout, name)) for name in _EDGES}
    found["atoms"] = ("atom", histograms.atoms)
    found |= {name: ("atom", getattr(layout, name)) for name in _ATOMS}
    found |= {f"beyond_{k}": ("histogram", x) for k, x in histograms.beyond.total().items()}
    for name, rows in layout.rows.items():
        found[f"rows_{name}"] = ([f"{name}_{axis}" for axis in range(rows.ndim)], rows)
    if result.groups is not None:
        counts = result.groups.counts
        found["group_counts"] = (("group", "grouped", "wide_bin"), counts)
        found["grouped"] = ("grouped", result.groups.rows)
    return xr.Dataset(found)


def _read_groups(found: dict[str, xr.DataArray], histograms: Histograms | None) -> Groups | None:
    if histograms is None or "group_counts" not in found:
        return None
    groups = Groups(histograms.layout, found["group_counts"]["grouped"].to_numpy())
    groups.counts = found["group_counts"].values
    return groups


def _read_histograms(found: dict[str, xr.DataArray]) -> Histograms | None:
    if not found:
        return None
    rows = {
        name.removeprefix("rows_"): array.values
        for name, array in found.items()
        if name.startswith("rows_")
    }
    kept = ("atoms" in found) * _ATOMS  # a file of an earlier version has none
    histograms = Histograms(Layout(rows, *(found[name].values for name in (*_EDGES, *kept))))
    for name in ("counts", *_COUNTED, *(("atoms",) if kept else ())):
        setattr(histograms, name, found[name].values)
    if kept:
        sides = {side: found[f"beyond_{side}"].values for side in ("low", "high")}
        histograms.beyond = LaneSums.of(sides)
    histograms.draws = int(histograms.counts[:1].sum())
    return histograms
