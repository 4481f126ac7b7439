"""The search for the least shift of normal inputs that gives claims their published means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reesupply.sampling import LANE, Sampler, check_design

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from reesupply.result import Result

    FloatArray = npt.NDArray[np.float64]
    SmallArray = npt.NDArray[np.float32]

#: Longest first steps, how many of them, and runs after which the search gives up.
_STRIDE, _CAREFUL, _RUNS = 1.2, 4, 16


@dataclass(frozen=True, slots=True)
class Seen:
    """Means of the claims at a shift, their Monte Carlo errors, and gradients (claim, input)."""

    means: FloatArray
    errors: FloatArray
    gradients: FloatArray


@dataclass(frozen=True, slots=True)
class Found:
    """Where a search ended: the shift (input,), whether the targets are met, and its path."""

    shift: FloatArray
    met: bool
    path: tuple[tuple[float, FloatArray], ...]


def search(
    look: Callable[[FloatArray], Seen], targets: FloatArray, inputs: int, least: float = 0.0
) -> Found:
    r"""
    Find the least shift under which the means are the targets.

    Parameters
    ----------
    look : callable
        Runs the model at a shift of shape (input,).
    targets : ndarray, shape (claim,)
        Means that are wanted.
    inputs : int
        How many.
    least : float
        Inputs that would move by less than this are not moved.

    Returns
    -------
    Found
        ``met`` if every mean is within its Monte Carlo error of the target.

    Notes
    -----
    Minimises :math:`d'd/2` under :math:`f(d) = t` by sequential quadratic programming: with
    gradients J at d the next shift is :math:`J'(JJ')^{-1}(Jd + t - f(d))`. First steps are kept
    short, as gradients change on the way. For claims linear in normal inputs, f = Ad, one step
    gives :math:`A'(AA')^{-1}t`, and the entropy is half of Mahalanobis' squared distance, which is
    also that of the nearest weights.
    """
    shift, moves = np.zeros(inputs), np.ones(inputs)
    path: list[tuple[float, FloatArray]] = []
    settled = not least > 0.0
    for run in range(_RUNS):
        seen = look(shift)
        path.append((0.5 * float(shift @ shift), seen.means))
        met = bool((np.abs(seen.means - targets) <= seen.errors).all())
        if met and settled:
            return Found(shift, True, tuple(path))
        new = next_shift(seen.gradients * moves, shift, seen.means, targets)
        length = float(np.linalg.norm(new - shift))
        share = min(1.0, _STRIDE / length) if run < _CAREFUL and length > 0.0 else 1.0
        shift = shift + share * (new - shift)
        if share == 1.0 and not settled:
            moves = (np.abs(shift) >= least).astype(np.float64)
            shift, settled = shift * moves, True
    return Found(shift, False, tuple(path))


def next_shift(
    gradients: FloatArray, shift: FloatArray, means: FloatArray, targets: FloatArray
) -> FloatArray:
    """Return the least shift that meets the targets if the claims were straight lines."""
    wanted = gradients @ shift + targets - means
    return np.asarray(gradients.T @ np.linalg.lstsq(gradients @ gradients.T, wanted, rcond=None)[0])


class Normals:
    """
    Standard normal numbers of the inputs of a run before anything moves them.

    Parameters
    ----------
    run : Result
        Any run with the seed, design and draws of those that are looked at.
    """

    def __init__(self, run: Result) -> None:
        from scipy.special import ndtri

        names = run.plan.inputs.names
        sampler = Sampler(run.entropy, names, check_design(run.design), run.plan.dimensions)
        lanes = -(-run.draws // LANE)
        self._z: SmallArray = np.empty((len(names), lanes * LANE), dtype=np.float32)
        uniforms = np.empty((len(names), LANE))
        for lane in range(lanes):
            self._z[:, lane * LANE : (lane + 1) * LANE] = ndtri(sampler.lane(lane, uniforms))
        self._z = self._z[:, : run.draws]
        self._z -= self._z.mean(axis=1, keepdims=True)
        self._inverse = np.linalg.pinv((self._z @ self._z.T).astype(np.float64), hermitian=True)
        self.names = names

    def gradients(self, claims: FloatArray) -> FloatArray:
        r"""
        Return the change of the mean of each claim with the shift of each input.

        Parameters
        ----------
        claims : ndarray, shape (claim, draw)
            Of a run at any shift.

        Returns
        -------
        ndarray, shape (claim, input)
            Regression coefficients on the normal numbers. For independent normal numbers e, whose
            mean d is, :math:`\partial \mathrm{E} f / \partial d = \mathrm{E}\, \partial f =
            \operatorname{Cov}(f, e)` (Stein 1981, https://doi.org/10.1214/aos/1176345632), steps
            in f and all.
        """
        off = (claims - claims.mean(axis=1, keepdims=True)).astype(np.float32)
        return np.asarray((self._inverse @ (self._z @ off.T)).T)
