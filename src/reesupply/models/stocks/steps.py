"""
Survival of each cohort over steps of any length: lifetimes by cohort, longer lives of goods in use.

Time is measured by a clock that runs slower once goods are made to last longer. A cohort's age is
the difference of two readings, so that one survival curve serves goods from before and after.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np

from reesupply.errors import ReesupplyError
from reesupply.models.stocks.base import Lifetime, check_positive
from reesupply.models.stocks.kernels import ENTRY, check_rule, surviving_share, with_draws

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from reesupply.models.stocks.kernels import InflowAt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["Extension", "Steps"]


@dataclass(frozen=True, eq=False)
class Extension:
    r"""
    From a moment on, goods in use and all later ones age more slowly.

    Parameters
    ----------
    at : float
        When it begins: an edge of `time_edges`, or any time between two [years]. Without
        `time_edges`, 0 is the beginning of the first year, 1 that of the second.
    factor : float or ndarray, shape (..., draw)
        How many times slower, positive; 1 changes nothing, below 1 they age faster.

    Raises
    ------
    ReesupplyError
        If `at` is not finite or `factor` not positive and finite.

    Notes
    -----
    Of goods that entered at e, :math:`S(g(t) - g(e))` is in use at t, with the clock
    :math:`g(t) = t` before `at` and :math:`at + (t - at)/factor` after. What had left by then stays
    away; the remaining life of the rest is `factor` times as long.

    Examples
    --------
    >>> from reesupply.models.stocks import Fixed, inflow_driven
    >>> longer = Extension(at=2.0, factor=1.5)
    >>> stock, out = inflow_driven([1, 0, 0, 0, 0, 0], Fixed(3), inflow_at="end", extension=longer)
    >>> out  # one year of age when it begins, two more that last three
    array([0., 0., 0., 0., 1., 0.])
    """

    at: float
    factor: float | FloatArray

    def __post_init__(self) -> None:
        check_positive(factor=self.factor)
        if not np.isfinite(self.at):
            msg = f"at of an extension must be finite; got {self.at}."
            raise ReesupplyError(msg)

    def clock(self, time: npt.ArrayLike) -> FloatArray:
        """
        Return what the clock reads.

        Parameters
        ----------
        time : array_like, shape () or (..., step, draw or 1)
            Time [years].

        Returns
        -------
        ndarray
            Time as goods age [years], broadcast with `factor` made (..., 1, draw).
        """
        now = np.asarray(time, dtype=np.float64)
        late = (now - self.at) / self.slope
        return np.where(now > self.at, self.at + late, now)

    @property
    def slope(self) -> FloatArray:
        """`factor`, with an axis for steps if it has draws."""
        factor = np.asarray(self.factor, dtype=np.float64)
        return factor[..., np.newaxis, :] if factor.ndim else factor


@dataclass(frozen=True, eq=False)
class Steps:
    """
    The cohorts of one call, those of an initial stock first, and the edges of all their steps.

    Attributes
    ----------
    lifetimes : tuple of Lifetime
        One by cohort.
    edges : ndarray, shape (cohort + 1,)
        Edges of the steps; those before the first are a year apart [years].
    past : int
        Number of cohorts before the first step.
    inflow_at : str
        Timing rule.
    extension : Extension or None
        Longer life from a moment on.
    yearly : bool
        Whether all steps are a year and nothing is extended, so that a kernel by lag will do.
    common : bool
        Whether one lifetime serves all cohorts.
    """

    lifetimes: tuple[Lifetime, ...]
    edges: FloatArray
    past: int
    inflow_at: InflowAt
    extension: Extension | None
    yearly: bool
    common: bool
    _kernels: dict[int, FloatArray] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        lifetime: Lifetime | Sequence[Lifetime],
        n: int,
        *,
        inflow_at: InflowAt,
        time_edges: npt.ArrayLike | None = None,
        extension: Extension | None = None,
        past: int = 0,
    ) -> Self:
        """Check what a caller gave for n steps and `past` cohorts before them."""
        check_rule(inflow_at)
        edges = np.arange(n + 1.0) if time_edges is None else _edges(time_edges, n)
        if extension is not None and not (edges[0] <= extension.at <= edges[-1]):
            msg = f"at of an extension must be {edges[0]:g} to {edges[-1]:g}; got {extension.at:g}."
            raise ReesupplyError(msg)
        return cls(
            lifetimes=_lifetimes(lifetime, past, n),
            edges=np.concatenate([edges[0] - np.arange(past, 0.0, -1.0), edges]),
            past=past,
            inflow_at=inflow_at,
            extension=extension,
            yearly=time_edges is None and extension is None,
            common=isinstance(lifetime, Lifetime),
        )

    @property
    def draw_shape(self) -> tuple[int, ...]:
        """Shape (..., draw) of all lifetimes and the extension together; () without draws."""
        factor = () if self.extension is None else np.shape(self.extension.factor)
        return np.broadcast_shapes(factor, *{life.draw_shape for life in self.lifetimes})

    def shares(self, cohort: int) -> FloatArray:
        """Share of a cohort in use at the end of its own and each later step, (..., step, draw)."""
        life, count = self.lifetimes[cohort], len(self.lifetimes) - cohort
        if self.yearly:
            kernel = self._kernels.get(id(life))  # neighbours often share a lifetime
            if kernel is None or kernel.shape[-2] < count:
                kernel = surviving_share(life, count, inflow_at=self.inflow_at)
                kernel = kernel[:, np.newaxis] if kernel.ndim == 1 else kernel
                self._kernels.clear()  # one at a time: many would be a table of years by years
                self._kernels[id(life)] = kernel
            return kernel[..., :count, :]
        life = life.with_age_axis() if life.has_draws else life
        start, end = self.edges[cohort], self.edges[cohort + 1]
        now = self.edges[cohort + 1 :, np.newaxis]
        part = ENTRY[self.inflow_at]
        if part is not None:
            share = life.survival(self._ages(now, end - part * (end - start)))
        else:
            share = self._even(life, now, start, end) / (end - start)
        share = np.clip(np.broadcast_to(share, np.broadcast_shapes(share.shape, (count, 1))), 0, 1)
        return np.asarray(np.minimum.accumulate(share, axis=-2))

    def _ages(self, now: FloatArray, entered: float) -> FloatArray:
        """Age at each time of what entered at one time, as the clock has it."""
        if self.extension is None:
            return np.maximum(now - entered, 0.0)
        return np.maximum(self.extension.clock(now) - self.extension.clock(entered), 0.0)

    def _even(self, life: Lifetime, now: FloatArray, start: float, end: float) -> FloatArray:
        """Integral of survival over entries from start to end, before and after the extension."""
        change = end if self.extension is None else float(np.clip(self.extension.at, start, end))
        total: FloatArray = np.zeros(1)
        for first, last in ((start, change), (change, end)):
            if first < last:
                oldest, youngest = self._ages(now, first), self._ages(now, last)
                held = life.survival_integral(oldest) - life.survival_integral(youngest)
                # while the clock runs slower, a year of entries is less than a year of ages
                slow = self.extension is not None and first >= self.extension.at
                total = total + held * (self.extension.slope if slow and self.extension else 1.0)
        return total

    def explain(self, initial_stock: npt.ArrayLike | None) -> FloatArray:
        """Past inflow (..., cohort, draw) that explains a stock by cohort; none without a stock."""
        if initial_stock is None:
            return np.zeros((0, 1))
        stock, _ = with_draws(initial_stock, "initial_stock")
        width = self.draw_shape or (1,)
        left = np.empty((*width[:-1], self.past, width[-1]))
        for cohort in range(self.past):
            left[..., cohort, :] = self.shares(cohort)[..., self.past - 1 - cohort, :]
        held, share = np.broadcast_arrays(stock, left)
        inflow = np.zeros(held.shape)
        with np.errstate(over="ignore"):
            np.divide(held, share, out=inflow, where=share > 0.0)
        lost = ((share <= 0.0) & (held != 0.0)) | np.isinf(inflow)
        if lost.any():
            cohort = int(np.argwhere(lost)[0, -2])
            age = self.past - 1 - cohort
            where = f"cohort {cohort} at age {age}"
            msg = f"a cohort must not outlive its lifetime; got stock in {where}."
            raise ReesupplyError(msg)
        return inflow


def _edges(time_edges: npt.ArrayLike, n: int) -> FloatArray:
    """Return the edges of n steps, or raise."""
    edges = np.asarray(time_edges, dtype=np.float64)
    if edges.shape != (n + 1,) or not (np.isfinite(edges).all() and (np.diff(edges) > 0.0).all()):
        msg = f"time_edges must be {n + 1} rising numbers; got {edges.tolist()}."
        raise ReesupplyError(msg)
    return edges


def _lifetimes(lifetime: Lifetime | Sequence[Lifetime], past: int, n: int) -> tuple[Lifetime, ...]:
    """One lifetime for each cohort, or raise."""
    if isinstance(lifetime, Lifetime):
        return (lifetime,) * (past + n)
    given: object = lifetime  # whatever the caller's types say
    several = tuple(given) if isinstance(given, Iterable) else (given,)
    for cohort, life in enumerate(several):
        if not isinstance(life, Lifetime):
            msg = f"lifetime must be a Lifetime or a sequence of them; got {life!r} at {cohort}."
            raise ReesupplyError(msg)
    if len(several) != past + n:
        cohorts = f"{past + n} cohorts" + (f", {past} of them in initial_stock" if past else "")
        msg = f"lifetime must be one, or one for each of {cohorts}; got {len(several)}."
        raise ReesupplyError(msg)
    return several
