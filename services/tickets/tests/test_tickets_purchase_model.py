"""The models against the numbers that their authors published, and their laws."""

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tickets.contacts.purchase_model import (
    CDNOW_SPENDING,
    CDNOW_TIMING,
    Purchases,
    Spending,
    Timing,
    expected_purchases,
    expected_value,
    median_wait,
    probability_alive,
)

CDNOW_MEAN = 6.25 * 15.44 / (3.74 - 1)
"""What the gamma-gamma model's estimates for CDNOW make of the mean: p * gamma / (q - 1)."""

UNROUNDED = Timing(r=0.2425945, alpha=4.4136019, a=0.7929199, b=2.4258881)
"""The same estimates before the paper rounds them, which its spreadsheet reckons with."""

weeks = st.floats(0, 520)


@st.composite
def histories(draw: st.DrawFn, most: int = 2_000) -> Purchases:
    """Customers of up to ten years."""
    age = draw(weeks)
    repeats = draw(st.integers(0, most))
    return Purchases(repeats, draw(st.floats(0, age)) if repeats else 0.0, age)


@pytest.mark.parametrize(
    ("after", "published"),
    [(0.1429, 0.0078), (1.0, 0.0532), (3.0, 0.1506), (31.8571, 1.0405), (32.0, 1.0437), (78.0, 1.8576)],
)
def test_a_new_customer_of_cdnow(after: float, published: float) -> None:
    """A randomly chosen new customer buys again as often as the authors' spreadsheet says."""
    assert expected_purchases(UNROUNDED, Purchases(0, 0.0, 0.0), after) == pytest.approx(published, rel=1e-3, abs=5e-5)
    assert expected_purchases(CDNOW_TIMING, Purchases(0, 0.0, 0.0), after) == pytest.approx(
        published, rel=3e-3, abs=5e-5
    )


def test_the_first_customer_of_cdnow() -> None:
    """Customer 0001 (two repeats, the last after 30.43 of 38.86 weeks) is expected to buy 1.226 times in 39 weeks."""
    assert expected_purchases(CDNOW_TIMING, Purchases(2, 30.43, 38.86), 39) == pytest.approx(1.226, abs=5e-4)


def test_the_increasing_frequency_paradox() -> None:
    """Of customers silent for as long, the authors find the frequent ones less likely to come back."""
    alive = [probability_alive(CDNOW_TIMING, Purchases(count, 30.0, 39.0)) for count in range(5, 21)]

    assert alive == sorted(alive, reverse=True)


@pytest.mark.parametrize(
    ("count", "mean", "published"),
    [(2, 22.35, 24.65), (1, 11.77, 18.91), (0, 0.0, 35.17), (7, 73.74, 71.46), (2, 25.55, 27.28)],
)
def test_values_of_cdnow(count: int, mean: float, published: float) -> None:
    """The first customers of CDNOW are worth what is published for the gamma-gamma model."""
    found = expected_value(CDNOW_SPENDING, CDNOW_MEAN, count, mean)

    assert found == pytest.approx(published, abs=0.06)


@given(histories())
def test_a_probability_is_one(known: Purchases) -> None:
    """However long or short the history, the answer lies between never and certainly."""
    assert 0 <= probability_alive(CDNOW_TIMING, known) <= 1


@given(histories(), st.floats(0, 520))
def test_silence_speaks_for_leaving(known: Purchases, longer: float) -> None:
    """The longer nothing was bought, the less likely it is that the customer has stayed."""
    silent = Purchases(known.repeats, known.last, known.age + longer)

    assert probability_alive(CDNOW_TIMING, silent) <= probability_alive(CDNOW_TIMING, known)


@given(histories(), weeks, weeks)
def test_more_time_more_purchases(known: Purchases, some: float, more: float) -> None:
    """Expectations are finite, not negative, and rise with the time that is looked at."""
    soon = expected_purchases(CDNOW_TIMING, known, some)
    later = expected_purchases(CDNOW_TIMING, known, some + more)

    assert 0 <= soon <= later * (1 + 1e-9) + 1e-9
    assert math.isfinite(later)


@settings(max_examples=25)
@given(histories(most=40), st.floats(1, 200))
def test_the_transformed_series_is_the_published_one(known: Purchases, ahead: float) -> None:
    """Equation 10 as it is printed gives the same, where it does not overflow."""
    timing = CDNOW_TIMING
    top = timing.a + timing.b + known.repeats - 1
    z = ahead / (timing.alpha + known.age + ahead)
    assume(z < 0.9)
    total = term = 1.0
    for n in range(2_000):
        term *= (timing.r + known.repeats + n) * (timing.b + known.repeats + n) / ((top + n) * (n + 1)) * z
        total += term
    printed = top / (timing.a - 1) * (1 - (1 - z) ** (timing.r + known.repeats) * total)
    printed *= probability_alive(timing, known)

    assert expected_purchases(timing, known, ahead) == pytest.approx(printed, rel=1e-6, abs=1e-9)


@given(histories())
def test_the_next_order_lies_ahead(known: Purchases) -> None:
    """Nobody is expected to have bought in the past, and frequent customers come sooner."""
    eager = Purchases(known.repeats + 1, known.last, known.age)

    assert 0 < median_wait(CDNOW_TIMING, eager) < median_wait(CDNOW_TIMING, known)


@given(st.floats(0.01, 1e6), st.integers(0, 1_000), st.floats(0, 1e6))
def test_a_value_lies_between_ones_own_and_all(population: float, count: int, mean: float) -> None:
    """What is expected is never beyond what the customer and all customers spend."""
    found = expected_value(CDNOW_SPENDING, population, count, mean)
    low, high = sorted((population, mean)) if count else (population, population)

    assert low * (1 - 1e-9) <= found <= high * (1 + 1e-9)


@given(st.floats(0.01, 1e6), st.integers(0, 1_000), st.floats(0, 1e6), st.floats(0.01, 100))
def test_values_know_no_currency(population: float, count: int, mean: float, rate: float) -> None:
    """In another currency the same is worth the same."""
    found = expected_value(CDNOW_SPENDING, population, count, mean)
    changed = expected_value(CDNOW_SPENDING, population * rate, count, mean * rate)

    assert changed == pytest.approx(found * rate)


@pytest.mark.parametrize("flawed", [(0, 1, 1.5, 1), (1, 1, 1, 1), (1, 1, 0.2, 0.3), (1, -1, 2, 2)])
def test_parameters_without_a_meaning_are_refused(flawed: tuple[float, ...]) -> None:
    """What the formulas cannot take is refused where it is made."""
    with pytest.raises(ValueError, match="positive"):
        Timing(*flawed)
    with pytest.raises(ValueError, match="more than 1"):
        Spending(1, 1)


@pytest.mark.parametrize("flawed", [(1, 2.0, 1.0), (-1, 0.0, 1.0), (0, 1.0, 2.0), (1, 0.0, math.inf)])
def test_histories_that_cannot_be_are_refused(flawed: tuple[int, float, float]) -> None:
    """The last purchase is not before the first, nor after now."""
    with pytest.raises(ValueError, match="between"):
        Purchases(*flawed)
