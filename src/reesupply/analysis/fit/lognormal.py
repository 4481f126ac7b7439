r"""
A lognormal time fitted to observed and right-censored values.

With :math:`z = (\ln t - \mu)/\sigma` the log-likelihood is

.. math::

    \ell = \sum_{observed} \ln \frac{\phi(z)}{\sigma} + \sum_{censored} \ln \Phi(-z)
           - \frac{(\mu - \mu_0)^2}{2 \tau^2}
           - \frac{(\ln \sigma - \ln \sigma_0)^2}{2 \kappa^2}

where :math:`\mu` is the logarithm of the median and the last two terms, the prior, are left out
where there is none (the density is that of :math:`\ln t`). It is maximised over
:math:`(\mu, \ln \sigma)` by the ``GenericLikelihoodModel`` of statsmodels; the covariance is the
inverse of the observed information. For the method see Kalbfleisch and Prentice, The Statistical
Analysis of Failure Time Data, 2nd edition 2002, sections 3.2 to 3.4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.errors import ReesupplyError

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.analysis.fit.priors import Prior

    FloatArray = npt.NDArray[np.float64]
    BoolArray = npt.NDArray[np.bool_]

_LOG_ROOT_2PI = 0.5 * math.log(2.0 * math.pi)
ONLY_PRIOR = "nothing has been observed to start, so the data set no median: this is the prior"


@dataclass(frozen=True, eq=False)
class Estimate:
    """
    Parameters of a lognormal time, with their uncertainty.

    Attributes
    ----------
    log_median, log_sigma : float
        Maximum of the (penalised) likelihood.
    covariance : ndarray
        Of the two, shape (2, 2).
    log_likelihood : float
        At the maximum, without the prior; 0 where no data entered.
    note : str
        What the reader should know, or empty.
    """

    log_median: float
    log_sigma: float
    covariance: FloatArray
    log_likelihood: float
    note: str = ""


@dataclass(frozen=True, eq=False)
class Likelihood:
    """
    Log-likelihood of a censored lognormal, with prior, and its first two derivatives.

    Parameters
    ----------
    log_times : ndarray
        Logarithms of the times.
    censored : ndarray of bool
        True where the time is a lower bound.
    prior : Prior or None
        Adds the two penalties.
    """

    log_times: FloatArray
    censored: BoolArray
    prior: Prior | None

    def data(self, parameters: npt.ArrayLike) -> float:
        """Return the log-likelihood of the data alone."""
        from scipy.special import log_ndtr

        z, _ = self._z(parameters)
        log_sigma = float(np.asarray(parameters)[1])
        seen = -log_sigma - 0.5 * z * z - _LOG_ROOT_2PI
        return float(np.where(self.censored, log_ndtr(-z), seen).sum())

    def value(self, parameters: npt.ArrayLike) -> float:
        """Return the log-likelihood with the prior."""
        offset, precision = self._penalty(parameters)
        return self.data(parameters) - 0.5 * float(precision @ (offset * offset))

    def score(self, parameters: npt.ArrayLike) -> FloatArray:
        """Return the gradient, shape (2,)."""
        z, sigma = self._z(parameters)
        hazard = _hazard(z)
        first = np.where(self.censored, hazard, z) / sigma
        second = np.where(self.censored, hazard * z, z * z - 1.0)
        offset, precision = self._penalty(parameters)
        return np.array([first.sum(), second.sum()]) - precision * offset

    def hessian(self, parameters: npt.ArrayLike) -> FloatArray:
        """Return the second derivatives, shape (2, 2)."""
        z, sigma = self._z(parameters)
        hazard = _hazard(z)
        slope = hazard * (hazard - z)
        corner = np.where(self.censored, -slope, -1.0).sum() / sigma**2
        mixed = np.where(self.censored, -slope * z - hazard, -2.0 * z).sum() / sigma
        other = np.where(self.censored, -slope * z * z - hazard * z, -2.0 * z * z).sum()
        _, precision = self._penalty(parameters)
        return np.array([[corner, mixed], [mixed, other]]) - np.diag(precision)

    def _z(self, parameters: npt.ArrayLike) -> tuple[FloatArray, float]:
        mu, log_sigma = np.asarray(parameters, dtype=np.float64)
        sigma = math.exp(float(log_sigma))
        return (self.log_times - mu) / sigma, sigma

    def _penalty(self, parameters: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Distance from the prior, and its precision; 0 where it says nothing."""
        if self.prior is None:
            return np.zeros(2), np.zeros(2)
        centre, spread = _centre(self.prior)
        return np.asarray(parameters, dtype=np.float64) - centre, 1.0 / (spread * spread)


def _centre(prior: Prior) -> tuple[FloatArray, FloatArray]:
    centre = np.array([math.log(prior.median), math.log(prior.sigma)])
    return centre, np.array([prior.sd_log_median, prior.sd_log_sigma])


def _hazard(z: FloatArray) -> FloatArray:
    """Hazard of the normal distribution, phi(z)/Phi(-z), without overflow."""
    from scipy.special import log_ndtr

    return np.asarray(np.exp(-0.5 * z * z - _LOG_ROOT_2PI - log_ndtr(-z)), dtype=np.float64)


def fit_lognormal(times: npt.ArrayLike, censored: npt.ArrayLike, prior: Prior | None) -> Estimate:
    """
    Fit a lognormal to times of which some are only lower bounds.

    Parameters
    ----------
    times : array_like
        Above 0.
    censored : array_like of bool
        True where the time is a lower bound.
    prior : Prior or None
        None is plain maximum likelihood.

    Returns
    -------
    Estimate
        Where nothing is observed, the prior itself, and a note that says so: lower bounds alone
        only push the median up, as far as the prior lets them.

    Raises
    ------
    ReesupplyError
        If a time is not finite and above 0, or the data cannot determine the parameters and no
        prior helps.
    """
    values = np.asarray(times, dtype=np.float64).ravel()
    bounds = np.asarray(censored, dtype=bool).ravel()
    _check(values, bounds, prior)
    if prior is not None and bounds.all():
        centre, spread = _centre(prior)
        return Estimate(float(centre[0]), float(centre[1]), np.diag(spread**2), 0.0, ONLY_PRIOR)
    likelihood = Likelihood(np.log(values), bounds, prior)
    parameters = _maximise(likelihood)
    information = -likelihood.hessian(parameters)
    # written so that NaN fails it
    if not (information[0, 0] > 0.0 and np.linalg.det(information) > 0.0):
        msg = "the likelihood of the delays has no clear maximum; give a prior"
        raise ReesupplyError(msg)
    covariance = np.asarray(np.linalg.inv(information), dtype=np.float64)
    fitted = likelihood.data(parameters)
    return Estimate(float(parameters[0]), float(parameters[1]), covariance, fitted)


def _check(values: FloatArray, bounds: BoolArray, prior: Prior | None) -> None:
    if values.shape != bounds.shape:
        msg = f"there are {values.size} times and {bounds.size} marks of censoring"
        raise ReesupplyError(msg)
    if not np.all((values > 0.0) & (values < math.inf)):
        msg = "a lognormal time is finite and above 0; the data hold another value"
        raise ReesupplyError(msg)
    seen = np.unique(values[~bounds]).size
    proper = prior is not None and prior.is_proper
    if seen == 0 and not proper:
        what = "all are censored" if values.size else "there are none"
        msg = f"no observed start among {values.size} promises ({what}); give a prior"
        raise ReesupplyError(msg)
    if seen == 1 and (prior is None or not math.isfinite(prior.sd_log_sigma)):
        msg = "one observed start cannot give a spread; give a prior of sigma"
        raise ReesupplyError(msg)


def _maximise(likelihood: Likelihood) -> FloatArray:
    from statsmodels.base.model import GenericLikelihoodModel

    model: Any = GenericLikelihoodModel(
        likelihood.log_times,
        np.ones((likelihood.log_times.size, 1)),
        loglike=likelihood.value,
        score=likelihood.score,
        hessian=likelihood.hessian,
        extra_params_names=["log_sigma"],
    )
    start = _start(likelihood)
    # Nelder-Mead finds the hill, Newton its top; a strong prior makes it too steep for BFGS
    rough = model.fit(
        start, method="nm", disp=0, maxiter=4000, xtol=1e-5, ftol=1e-9, skip_hessian=True
    )
    fine = model.fit(
        rough.params, method="newton", disp=0, maxiter=100, tol=1e-12, skip_hessian=True
    )
    found = np.asarray(fine.params, dtype=np.float64)
    steps = np.abs(likelihood.score(found)) / np.sqrt(np.abs(np.diag(likelihood.hessian(found))))
    if not np.all(steps < 1e-5):
        msg = "the fit of the delays did not converge; give a prior"
        raise ReesupplyError(msg)
    return found


def _start(likelihood: Likelihood) -> FloatArray:
    """Return moments as if all were observed, drawn towards the prior by its precision."""
    logs, prior = likelihood.log_times, likelihood.prior
    start = np.array([logs.mean(), math.log(max(float(logs.std()), 0.1))])
    if prior is None:
        return start
    centre, spread = _centre(prior)
    weight = 1.0 / (1.0 + logs.size * spread**2)
    return np.asarray(weight * centre + (1.0 - weight) * start, dtype=np.float64)
