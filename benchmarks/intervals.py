"""How sure counted shares and rates are."""

from __future__ import annotations

from scipy.stats import binomtest, chi2


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Return the 95 % Wilson score interval of a share; (0, 1) if `count` is 0.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), 209-212.
    """
    if not count:
        return 0.0, 1.0
    low, high = binomtest(hits, count).proportion_ci(method="wilson")
    return float(low), float(high)


def most_an_hour(alarms: int, hours: float) -> float:
    """Return the rate that `alarms` in `hours` do not exceed with 95 % confidence (one-sided, Poisson).

    References
    ----------
    F. Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28 (1936), 437-442.
    """
    return float(chi2.ppf(0.95, 2 * (alarms + 1))) / 2 / hours
