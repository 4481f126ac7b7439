"""Output of many plants together, added up row by row of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from reesupply.errors import ReesupplyError
from reesupply.models.rampup.curves import MONTHS

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.models.rampup.table import RampTable

    FloatArray = npt.NDArray[np.float64]

__all__ = ["RampRows"]


class RampRows:
    """
    Yearly output of all plants together, for a block of draws.

    A row of the table holds the average share of nameplate in all calendar years of a plant that
    starts on one date; dates are as close as the cells of a `RampTable`, and between them rows
    are mixed linearly, which gives its numbers. A plant so takes two rows instead of two look-ups a
    year, and the rows of all plants are added up by one product of a sparse matrix
    (element and draw, date) with the table, whose entries are the tonnes.

    Parameters
    ----------
    table : RampTable
        Curves of the classes.
    klass : ndarray of int, shape (plant,)
        Class of each plant; quickest in order, since the rows of one class then stay in cache.
    nameplate : ndarray, shape (element, plant)
        Output at plateau 1 [t/yr].
    years : array_like of int, shape (year,)
        Consecutive calendar years.
    earliest : float
        First date of the table [decimal year].
    draws : int
        Size of a block.

    Attributes
    ----------
    rows : ndarray, shape (class and date, year)
        The table, class after class.
    per_year, first, last : float
        Dates a year; place of the first date, counted so from year 0; last date that has a next.
    offset : ndarray of int, shape (plant, 1)
        First row of each plant's class.
    nameplate : ndarray, shape (plant, element, 1, 1)
        As given.
    shape : tuple of int
        Of the result: (element, draw, year).

    Raises
    ------
    ReesupplyError
        If a class is outside the table, or years are not consecutive.
    """

    def __init__(
        self,
        table: RampTable,
        klass: npt.NDArray[np.integer],
        nameplate: FloatArray,
        years: npt.ArrayLike,
        *,
        earliest: float,
        draws: int,
    ) -> None:
        classes = len(table.tau)
        if not (klass.min() >= 0 and klass.max() < classes):
            msg = f"klass must be 0 to {classes - 1}; got {klass.min()} to {klass.max()}."
            raise ReesupplyError(msg)
        calendar = np.asarray(years, dtype=np.float64)
        self.per_year = float(int(MONTHS) * table.cells_per_month)
        self.first = np.floor(earliest * self.per_year)
        end = (calendar[-1] + 1.0) * self.per_year  # who starts then makes nothing in time
        dates = np.arange(self.first, end + 3.0) / self.per_year
        starts = np.broadcast_to(dates, (classes, dates.size))
        averages = table.average(starts, np.arange(classes)[:, np.newaxis], 1.0, years)
        self.rows = averages.swapaxes(1, 2).reshape(-1, calendar.size)
        self.last = dates.size - 2.0
        self.offset = (klass * dates.size).astype(np.int32)[:, np.newaxis]
        elements, plants = nameplate.shape
        self.nameplate = nameplate.T[:, :, np.newaxis, np.newaxis].copy()
        self._level = np.empty((plants, 2, draws))
        # entries plant by plant, so that the rows of one stay in cache
        shape = (plants, elements, 2, draws)
        target = np.arange(elements * draws, dtype=np.int32).reshape(elements, 1, draws)
        targets = np.broadcast_to(target, shape).reshape(-1)
        self._matrix = sparse.coo_array(
            (np.zeros(targets.size), (targets, np.zeros_like(targets))),
            shape=(elements * draws, len(self.rows)),
        )
        # views of the matrix itself, which is filled anew for each block
        self._weight = self._matrix.data.reshape(shape)
        self._cell = self._matrix.coords[1].reshape(shape)
        self.shape = (elements, draws, calendar.size)

    def total(self, first_feed: FloatArray, plateau: FloatArray) -> FloatArray:
        """
        Sum over plants.

        Parameters
        ----------
        first_feed : ndarray, shape (plant, draw)
            Decimal years; infinity is never, before `earliest` is as `earliest`. Overwritten.
        plateau : ndarray, shape (plant, draw)
            Share of nameplate reached in the end.

        Returns
        -------
        ndarray, shape (element, draw, year)
            Output of all plants together [t/yr].
        """
        first_feed *= self.per_year
        first_feed -= self.first
        np.maximum(first_feed, 0.0, out=first_feed)
        np.minimum(first_feed, self.last, out=first_feed)
        cell = self._cell[:, 0]
        np.copyto(cell[:, 0], first_feed, casting="unsafe")  # cuts off
        first_feed -= cell[:, 0]
        cell[:, 0] += self.offset
        np.add(cell[:, 0], 1, out=cell[:, 1])
        self._cell[:, 1:] = cell[:, np.newaxis]
        np.multiply(plateau, first_feed, out=self._level[:, 1])
        np.subtract(plateau, self._level[:, 1], out=self._level[:, 0])
        np.multiply(self._level[:, np.newaxis], self.nameplate, out=self._weight)
        return np.asarray(self._matrix @ self.rows).reshape(self.shape)
