"""When a customer buys again, and for how much: two published models. Pure.

Orders and churn: BG/NBD, Fader, Hardie & Lee (2005), "Counting Your Customers the Easy Way". While a customer stays
one, they buy at a rate of their own; after each purchase they may leave for good. Both differ between customers.
Value: gamma-gamma, Fader & Hardie (2013), "The Gamma-Gamma Model of Monetary Value". Time is in weeks, as there.
"""

import math
from dataclasses import dataclass

_PRECISION = 1e-12
_MOST_TERMS = 100_000
_LARGEST_EXPONENT = 700.0


@dataclass(frozen=True, slots=True)
class Timing:
    """How a population buys: rates are gamma distributed (`r`, `alpha`), leaving is beta distributed (`a`, `b`)."""

    r: float
    alpha: float
    a: float
    b: float

    def __post_init__(self) -> None:
        """Refuse what the formulas cannot take."""
        if min(self.r, self.alpha, self.a, self.b) <= 0 or self.a == 1 or self.a + self.b <= 1:
            raise ValueError("r, alpha, a and b are positive, a is not 1, and a + b is more than 1")


@dataclass(frozen=True, slots=True)
class Spending:
    """How a population spends: the shapes within one customer (`p`) and between customers (`q`)."""

    p: float
    q: float

    def __post_init__(self) -> None:
        """Refuse what has no mean."""
        if self.p <= 0 or self.q <= 1:
            raise ValueError("p is positive, and q is more than 1")


@dataclass(frozen=True, slots=True)
class Purchases:
    """What the models know of a customer: purchases after the first, when the last was, and how long ago the first."""

    repeats: int
    last: float
    age: float

    def __post_init__(self) -> None:
        """Refuse a history that cannot be."""
        if not (0 <= self.last <= self.age < math.inf) or self.repeats < 0 or (self.repeats == 0 and self.last > 0):
            raise ValueError("purchases lie between the first one and now, and none is none")


CDNOW_TIMING = Timing(r=0.243, alpha=4.414, a=0.793, b=2.426)
"""The estimates of the paper for 2,357 customers of CDNOW over 39 weeks (table 2)."""

CDNOW_SPENDING = Spending(p=6.25, q=3.74)
"""The estimates of the paper for the 946 of them who bought again; its third parameter is the scale of the currency."""


def probability_alive(timing: Timing, known: Purchases) -> float:
    """How likely it is that the customer has not left; of one who bought only once the model cannot doubt it."""
    if known.repeats == 0:
        return 1.0
    odds = math.log(timing.a / (timing.b + known.repeats - 1)) + (timing.r + known.repeats) * math.log(
        (timing.alpha + known.age) / (timing.alpha + known.last)
    )
    return 1.0 / (1.0 + math.exp(min(odds, _LARGEST_EXPONENT)))


def expected_purchases(timing: Timing, known: Purchases, weeks: float) -> float:
    """How many purchases to expect in the coming weeks (equation 10 of the paper).

    Its hypergeometric function is transformed after Euler, so that long histories do not overflow.
    """
    if weeks <= 0:
        return 0.0
    top = timing.a + timing.b + known.repeats - 1
    z = weeks / (timing.alpha + known.age + weeks)
    shrunk = math.pow(1 - z, timing.a - 1) * _hypergeometric(timing.a + timing.b - 1 - timing.r, timing.a - 1, top, z)
    return max(0.0, top / (timing.a - 1) * (1 - shrunk)) * probability_alive(timing, known)


def median_wait(timing: Timing, known: Purchases) -> float:
    """In how many weeks a customer who has not left will have bought again, as likely as not.

    Given that they stay, the model has their rate gamma distributed by r + repeats and alpha + age, and so the wait by
    Lomax.
    """
    return (timing.alpha + known.age) * (math.exp2(1 / (timing.r + known.repeats)) - 1)


def expected_value(spending: Spending, population_mean: float, count: int, mean: float) -> float:
    """What the customer's next purchase is worth, of whom `count` with this `mean` are known.

    Between the mean of all customers and their own, nearer to their own the more is known. The scale of the currency
    is in the population's mean.
    """
    prior = spending.q - 1
    return (prior * population_mean + spending.p * count * mean) / (prior + spending.p * count)


def _hypergeometric(a: float, b: float, c: float, z: float) -> float:
    """Gauss's series, for 0 <= z < 1."""
    term = total = 1.0
    for n in range(_MOST_TERMS):
        term *= (a + n) * (b + n) / ((c + n) * (n + 1)) * z
        total += term
        if abs(term) < _PRECISION * abs(total):
            break
    return total
