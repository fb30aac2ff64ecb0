from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickets.contacts.contact_forecast import Forecast, figures, forecast
from tickets.contacts.contact_model import ContactActivity
from tickets.contacts.contact_orders import ORDER_METRICS, Order, orders

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(("value", "$value", "order_id", "OrderId", "currency", "items", "Items", "total"))


def _event(metric: str, days_ago: float = 0, **properties: Any) -> ContactActivity:
    at = NOON - timedelta(days=days_ago)
    return ContactActivity(
        id=f"evt_{metric}_{days_ago}_{properties.get('order_id')}",
        account_id="acc_1",
        contact_id="con_1",
        metric=metric,
        at=at,
        properties=properties,
    )


def _orders(*days_ago: float, value: float = 50) -> list[Order]:
    return list(orders(_event("Placed Order", days, order_id=str(days), value=value) for days in days_ago))


@pytest.mark.parametrize(
    ("metric", "properties"),
    [
        (
            "Placed Order",
            {
                "OrderId": "1001",
                "$value": 29.98,
                "value_currency": "EUR",
                "Items": [{"ProductName": "Kettle", "SKU": "K1", "Quantity": 2, "ItemPrice": 14.99}],
            },
        ),
        (
            "Placed Order",
            {
                "order_number": 1001,
                "total_price": "29.98",
                "currency": "eur",
                "line_items": [{"title": "Kettle", "sku": "K1", "quantity": 2, "price": "14.99"}],
            },
        ),
        (
            "Order Completed",
            {
                "order_id": "1001",
                "total": 29.98,
                "currency": "EUR",
                "products": [{"name": "Kettle", "sku": "K1", "quantity": 2, "price": 14.99}],
            },
        ),
    ],
    ids=["klaviyo", "shopify", "segment"],
)
def test_orders_are_read_as_shops_report_them(metric: str, properties: dict[str, Any]) -> None:
    """Number, value, currency and lines are found under the names that are in use (V3)."""
    [order] = orders([_event(metric, **properties)])
    [item] = order.items

    assert (order.number, order.value, order.currency) == ("1001", 29.98, "EUR")
    assert (item.name, item.sku, item.quantity, item.price) == ("Kettle", "K1", 2.0, 14.99)


def test_an_order_told_twice_is_one() -> None:
    """The same number under two metrics is one order; without numbers each event is one."""
    told = [_event("Placed Order", 1, order_id="1"), _event("Order Completed", 0, order_id="1")]

    assert len(orders(told)) == 1
    assert len(orders([_event("Placed Order", 1), _event("Placed Order", 2)])) == 2


def test_cancelled_and_refunded_orders_count_less() -> None:
    """A cancelled order counts for nothing, and a refund takes its value away, never more than there was."""
    found = orders(
        [
            _event("Placed Order", 9, order_id="1", value=10, currency="EUR"),
            _event("Placed Order", 8, order_id="2", value=20, currency="EUR"),
            _event("Placed Order", 7, order_id="3", value=30, currency="EUR"),
            _event("Cancelled Order", 6, order_id="1"),
            _event("Refunded Order", 5, order_id="2", value=5),
            _event("Refunded Order", 4, order_id="3", value=99),
        ]
    )
    sums = figures(found)

    assert [(order.number, order.value, order.is_cancelled) for order in found] == [
        ("3", 0.0, False),
        ("2", 15.0, False),
        ("1", 10.0, True),
    ]
    assert (sums.count, sums.value, sums.average_value, sums.currency) == (2, 15.0, 7.5, "EUR")


def test_currencies_are_not_added() -> None:
    """Value is of the orders in the currency of the newest; all of them are counted."""
    found = orders(
        [
            _event("Placed Order", 2, order_id="1", value=100, currency="USD"),
            _event("Placed Order", 1, order_id="2", value=10, currency="EUR"),
        ]
    )

    assert (figures(found).count, figures(found).value, figures(found).currency) == (2, 10.0, "EUR")


@given(st.sampled_from(ORDER_METRICS), st.dictionaries(keys | st.text(max_size=5), json_values))
def test_whatever_is_reported_is_read(metric: str, properties: dict[str, Any]) -> None:
    """No event of an outside system breaks the profile."""
    found = orders([_event(metric).model_copy(update={"properties": properties})])
    sums = figures(found)

    assert sums.value is None or sums.value >= 0


def test_one_order_says_nothing_about_the_next() -> None:
    """Of somebody who bought once no figures are given, and the reason is (V3)."""
    assert forecast(_orders(3), None, NOON) == "too_few_orders"
    assert forecast([], None, NOON) == "too_few_orders"


def test_a_regular_customer() -> None:
    """Who buys every four weeks is expected back within two months, and hardly lost."""
    found = forecast(_orders(*range(0, 364, 28)), 50.0, NOON)

    assert isinstance(found, Forecast)
    assert found.churn_risk < 0.1
    assert NOON < found.next_order_at < NOON + timedelta(weeks=8)
    assert found.expected_order_value == 50.0
    assert found.lifetime_value == pytest.approx(650 + found.expected_orders * 50, abs=0.02)


def test_a_lost_customer() -> None:
    """Who bought weekly and then stopped for two years is lost almost surely."""
    found = forecast(_orders(*range(730, 900, 7)), 50.0, NOON)

    assert isinstance(found, Forecast)
    assert found.churn_risk > 0.95
    assert found.expected_orders < 1


def test_orders_to_come_are_no_history() -> None:
    """An order dated in the future does not count for what is expected."""
    assert forecast(_orders(-5, 3), None, NOON) == "too_few_orders"
