"""What to expect of a customer, from their orders (V3). Pure; the models are in `purchase_model`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from tickets.contacts.contact_orders import Order
from tickets.contacts.purchase_model import (
    CDNOW_SPENDING,
    CDNOW_TIMING,
    Purchases,
    expected_purchases,
    expected_value,
    median_wait,
    probability_alive,
)

Missing = Literal["too_few_orders"]
"""Public contract: why there are no predictive figures."""

MODEL = "bg_nbd+gamma_gamma/cdnow"
"""Public contract: which models, with whose parameters; see docs/architecture/forecast.md."""

LEAST_ORDERS = 2
"""Of somebody who bought once, nobody knows how often they buy."""

HORIZON_DAYS = 364
"""52 weeks."""

_CENTS = 2
_DIGITS = 4
_WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class OrderFigures:
    """What the orders add up to: cancelled ones do not count, and value only in the currency of the newest."""

    count: int
    currency: str | None
    value: float | None
    average_value: float | None
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What to expect within `HORIZON_DAYS`; the next order supposes that the customer stays one."""

    expected_orders: float
    churn_risk: float
    next_order_at: datetime
    expected_order_value: float | None
    expected_value: float | None
    lifetime_value: float | None


def figures(orders: Sequence[Order]) -> OrderFigures:
    """The sums over orders, given newest first."""
    counted = [order for order in orders if not order.is_cancelled]
    currency = next((order.currency for order in counted), None)
    values = values_in(counted, currency)
    total = sum(values)
    return OrderFigures(
        count=len(counted),
        currency=currency,
        value=round(total, _CENTS) if values else None,
        average_value=round(total / len(values), _CENTS) if values else None,
        first_at=counted[-1].at if counted else None,
        last_at=counted[0].at if counted else None,
    )


def values_in(orders: Sequence[Order], currency: str | None) -> list[float]:
    """What orders that stand are worth, of those in one currency."""
    return [
        order.value
        for order in orders
        if order.value is not None and order.currency == currency and not order.is_cancelled
    ]


def forecast(orders: Sequence[Order], population_mean: float | None, now: datetime) -> Forecast | Missing:
    """What to expect of who gave these orders, newest first; `population_mean` is what the account's are worth."""
    placed = [order for order in orders if not order.is_cancelled and order.at <= now]
    if len(placed) < LEAST_ORDERS:
        return "too_few_orders"
    first, last = placed[-1].at, placed[0].at
    known = Purchases(repeats=len(placed) - 1, last=(last - first) / _WEEK, age=(now - first) / _WEEK)
    count = expected_purchases(CDNOW_TIMING, known, HORIZON_DAYS / 7)
    values = values_in(placed, placed[0].currency)
    worth = None
    if values:
        mean = sum(values) / len(values)
        worth = expected_value(CDNOW_SPENDING, population_mean or mean, len(values), mean)
    return Forecast(
        expected_orders=round(count, _DIGITS),
        churn_risk=round(1 - probability_alive(CDNOW_TIMING, known), _DIGITS),
        next_order_at=now + median_wait(CDNOW_TIMING, known) * _WEEK,
        expected_order_value=None if worth is None else round(worth, _CENTS),
        expected_value=None if worth is None else round(count * worth, _CENTS),
        lifetime_value=None if worth is None else round(sum(values) + count * worth, _CENTS),
    )
