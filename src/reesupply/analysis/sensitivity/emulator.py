"""
A fitted emulator of the output: total order, closed indices of groups, Shapley effects.

The output is regressed on the normal score of every input, on Legendre polynomials of the ranks of
those that matter most, and on products of pairs. What the fit does not reproduce is reported.
"""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from reesupply.analysis.sensitivity.sample import Sample

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

#: Highest degree of a polynomial, and of a product together.
DEGREE = 10
#: Inputs that may have curves, inputs that may act in pairs, and how many such terms at most.
CURVED, PAIRED, TERMS = 30, 12, 256
#: Draws, of equal weight, that an input of the fit needs.
DRAWS_PER_INPUT = 4
#: Draws that choose the terms.
CHOOSE = 16_384
#: Draws at a time.
_STEP = 4096

#: A term: (input, degree) once, or twice for a product.
Term = tuple[tuple[int, int], ...]


class Emulator:
    """
    Least squares on scores, curves and pairs of inputs.

    Parameters
    ----------
    sample : Sample
        The draws.
    inputs : sequence of int
        Rows of the inputs that take part.
    order : sequence of int
        The same rows, the most important first: who may have curves and pairs.

    Attributes
    ----------
    lines : list of int
        Inputs of the fit: those that vary, or with few draws those that matter most.
    terms : list of Term
        Curves and products, chosen on one half of the draws.
    owners : list of frozenset of int
        Inputs of every column: the constant, the scores, the terms.
    explained : ndarray, shape (1 + resample,)
        Adjusted R squared on all draws.
    out_of_sample : float
        R squared on the half of the draws that the fit has not seen, when fitted on the other.
    """

    def __init__(self, sample: Sample, inputs: Sequence[int], order: Sequence[int]) -> None:
        self.sample = sample
        self.lines = self._strongest([row for row in inputs if sample.moved[row]])
        self.terms: list[Term] = []
        self._choose([row for row in order if row in self.lines])
        self.owners = [frozenset[int](), *(frozenset({row}) for row in self.lines)]
        self.owners += [frozenset(row for row, _ in term) for term in self.terms]
        self.fitting, self.judging = self.moments(sample.halves), self.moments(~sample.halves)
        self.gram = self.fitting[0] + self.judging[0]
        self.cross = self.fitting[1] + self.judging[1]
        self.coefficients = solve(self.gram, self.cross)
        self.out_of_sample = self._judge()
        self.explained = self.closed([frozenset(self.lines)])[:, 0]

    def closed(self, members: Sequence[frozenset[int]]) -> FloatArray:
        """
        Share of the variance that sets of inputs explain together, all their terms used.

        Parameters
        ----------
        members : sequence of frozenset of int
            Rows of the inputs of each set.

        Returns
        -------
        ndarray, shape (1 + resample, set)
            Adjusted R squared; not a number where there are too few draws for so many columns.
        """
        sets = [[c for c, owner in enumerate(self.owners) if owner <= one] for one in members]
        beta = np.zeros((len(self.owners), len(sets)))
        for number, columns in enumerate(sets):
            beta[columns, number] = solve(self.gram[np.ix_(columns, columns)], self.cross[columns])
        return self.shares(beta, np.array([len(columns) for columns in sets]))

    def without_each(self) -> FloatArray:
        """
        Share that all inputs but one explain, for every input of `lines`.

        Returns
        -------
        ndarray, shape (1 + resample, input)

        Notes
        -----
        Without a set F of columns the coefficients become b - H_F (H_FF)^-1 b_F, where H is the
        inverse of the Gram matrix: one inverse serves all inputs.
        """
        inverse = np.asarray(
            np.linalg.pinv(self.gram, rcond=1e-12, hermitian=True), dtype=np.float64
        )
        beta = np.repeat(self.coefficients[:, np.newaxis], len(self.lines), axis=1)
        used = np.full(len(self.lines), len(self.owners))
        for number, row in enumerate(self.lines):
            gone = [c for c, owner in enumerate(self.owners) if row in owner]
            part = solve(inverse[np.ix_(gone, gone)], self.coefficients[gone])
            beta[:, number] -= inverse[:, gone] @ part
            beta[gone, number] = 0.0
            used[number] -= len(gone)
        return self.shares(beta, used)

    def shares(self, beta: FloatArray, used: IntArray) -> FloatArray:
        """
        Return the adjusted R squared of given coefficients in every resample.

        Parameters
        ----------
        beta : ndarray, shape (column, fit)
            Coefficients that minimise the squares with the columns they use.
        used : ndarray of int, shape (fit,)
            How many columns.

        Returns
        -------
        ndarray, shape (1 + resample, fit)

        Notes
        -----
        Resamples weigh the residuals anew and keep the coefficients: at the least squares their
        change alters the sum of squares in second order only.
        """
        sample = self.sample
        left = np.zeros((len(sample.slices), beta.shape[1]))
        spread = np.zeros((len(sample.slices), 3))
        for block, at in self.pieces():
            w, y = sample.weights[at], sample.output[at]
            left[block] += w @ (y[:, np.newaxis] - self.columns(at).T @ beta) ** 2
            spread[block] += w.sum(), w @ y, w @ y**2
        weight, mean, square = sample.resampled(spread).T
        variance = square - mean**2 / weight
        if not variance[0] > 0.0:
            return np.zeros((len(sample.counts), beta.shape[1]))
        adjust = np.full(used.shape, np.nan)
        free = sample.size - used
        np.divide(sample.size - 1.0, free, out=adjust, where=free > 0.5 * sample.size)
        return np.asarray(1.0 - adjust * sample.resampled(left) / variance[:, np.newaxis])

    def columns(self, at: slice | IntArray) -> FloatArray:
        """Return constant, scores and terms of some draws, shape (column, draw)."""
        ranks = self.sample.ranks[:, at]
        curves: dict[int, FloatArray] = {}
        out = np.empty((1 + len(self.lines) + len(self.terms), ranks.shape[1]))
        out[0] = 1.0
        out[1 : 1 + len(self.lines)] = self.sample.scores[:, at][self.lines]
        for place, term in enumerate(self.terms, start=1 + len(self.lines)):
            out[place] = 1.0
            for row, degree in term:
                if row not in curves:
                    curves[row] = legendre(ranks[row])
                out[place] *= curves[row][degree - 1]
        return out

    def moments(self, chosen: npt.NDArray[np.bool_]) -> tuple[FloatArray, FloatArray, float]:
        """Weighted products of the columns, of them with the output, and of that with itself."""
        sample = self.sample
        size = 1 + len(self.lines) + len(self.terms)
        gram, cross, square = np.zeros((size, size)), np.zeros(size), 0.0
        for _, at in self.pieces(chosen):
            w, y, x = sample.weights[at], sample.output[at], self.columns(at)
            root = x * np.sqrt(w)
            gram += root @ root.T
            cross += x @ (w * y)
            square += float(w @ y**2)
        return gram, cross, square

    def _strongest(self, rows: list[int]) -> list[int]:
        """Return as many inputs as there are draws for, those with the largest correlation."""
        sample = self.sample
        room = int(sample.size / DRAWS_PER_INPUT)
        if len(rows) <= room:
            return rows
        along = np.abs(sample.scores[rows] @ (sample.weights * sample.output * sample.halves))
        return sorted(rows[place] for place in np.argsort(-along, kind="stable")[:room])

    def _choose(self, order: Sequence[int]) -> None:
        """Add the terms that go with what is left, twice, on one half of the draws."""
        sample = self.sample
        candidates: list[Term] = [
            ((row, degree),) for row in order[:CURVED] for degree in range(1, DEGREE + 1)
        ]
        candidates += [
            ((a, i), (b, j))
            for a, b in combinations(order[:PAIRED], 2)
            for i in range(1, DEGREE)
            for j in range(1, DEGREE + 1 - i)
        ]
        at = np.flatnonzero(sample.halves)
        at = at[:: -(-at.size // CHOOSE)]
        w, y = sample.weights[at], sample.output[at]
        curves = {row: legendre(sample.ranks[row, at]) for row in order[: max(CURVED, PAIRED)]}
        # a chance correlation of so many terms is below four standard errors
        floor = 4.0 * np.sqrt(w @ w) / w.sum()
        for _ in range(2):
            x = self.columns(at)
            rest = y - solve((x * w) @ x.T, x @ (w * y)) @ x
            scale = np.sqrt(w @ rest**2)
            if not scale > 0.0:
                return
            found: list[tuple[float, Term]] = []
            for term in candidates:
                values = np.prod([curves[row][degree - 1] for row, degree in term], axis=0)
                size = np.sqrt(w @ values**2)
                along = abs((w * rest) @ values) / (scale * size) if size > 0.0 else 0.0
                if along > floor and term not in self.terms:
                    found.append((float(along), term))
            room = min(TERMS, int(sample.size / 20.0)) - len(self.terms)
            self.terms += [term for _, term in sorted(found, reverse=True)[:room]]

    def _judge(self) -> float:
        gram, cross, square = self.judging
        # enough draws on both sides, and something to explain
        if not 0.5 * self.sample.size > len(self.owners) + 2 or not gram[0, 0] > 0.0:
            return float("nan")
        beta = solve(*self.fitting[:2])
        spread = square - cross[0] ** 2 / gram[0, 0]
        left = square - 2.0 * beta @ cross + beta @ gram @ beta
        return float(1.0 - left / spread) if spread > 0.0 else float("nan")

    def pieces(self, chosen: npt.NDArray[np.bool_] | None = None) -> list[tuple[int, slice]]:
        """Return runs of draws within a block, those of chosen draws only."""
        return [
            (block, slice(first, min(first + _STEP, at.stop)))
            for block, at in enumerate(self.sample.slices)
            if chosen is None or chosen[at.start]
            for first in range(at.start, at.stop, _STEP)
        ]


def shapley(closed: FloatArray, number: int) -> FloatArray:
    """
    Shapley effects from the shares of all sets of groups.

    Parameters
    ----------
    closed : ndarray, shape (..., 2 ** number)
        Share that a set explains; bit k of its place says whether group k is in it.
    number : int
        Number of groups.

    Returns
    -------
    ndarray, shape (..., number)
        They sum to the share of all groups together.

    Notes
    -----
    Owen (2014), https://doi.org/10.1137/130936233; Song, Nelson and Staum (2016),
    https://doi.org/10.1137/15M1048070.
    """
    out = np.zeros((*closed.shape[:-1], number))
    for place in range(2**number):
        for one in range(number):
            if not place >> one & 1:
                chance = 1.0 / (number * comb(number - 1, place.bit_count()))
                out[..., one] += chance * (closed[..., place | 1 << one] - closed[..., place])
    return out


def legendre(ranks: FloatArray) -> FloatArray:
    """Return Legendre polynomials of ranks within 0 and 1, of degree 1 to 10, unit variance."""
    x = 2.0 * ranks - 1.0
    rows = [np.ones_like(x), x]
    for n in range(1, DEGREE):
        rows.append(((2 * n + 1) * x * rows[n] - n * rows[n - 1]) / (n + 1))
    scale = np.sqrt(2.0 * np.arange(1, DEGREE + 1) + 1.0)
    return np.asarray(np.stack(rows[1:]) * scale[:, np.newaxis])


def solve(gram: FloatArray, cross: FloatArray) -> FloatArray:
    """Least squares from its normal equations; columns that go together only cost rank."""
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    try:
        factor = cho_factor(gram, lower=True, check_finite=False)
    except LinAlgError:
        pass
    else:
        if np.diag(factor[0]).min() > 1e-5 * np.sqrt(np.diag(gram).max()):
            return np.asarray(cho_solve(factor, cross, check_finite=False))
    return np.asarray(np.linalg.lstsq(gram, cross, rcond=1e-10)[0])
