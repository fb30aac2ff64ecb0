"""A contact's orders, as shops and customer-data systems report them among other events. Pure.

The names are those of Klaviyo ("Placed Order", `$value`, `Items`), Shopify (`total_price`, `line_items`) and Segment's
specification ("Order Completed", `total`, `products`); the first property that is there counts.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from tickets.contacts.contact_model import ContactActivity

PLACED = ("Placed Order", "Order Placed", "Order Completed")
CANCELLED = ("Cancelled Order", "Canceled Order", "Order Cancelled")
REFUNDED = ("Refunded Order", "Order Refunded")
ORDER_METRICS = (*PLACED, *CANCELLED, *REFUNDED)
"""Public contract: the metrics that are about orders."""

_MAX_ITEMS = 50
_MAX_CHARACTERS = 200
_CURRENCY_CHARACTERS = 3

_PROPERTIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "number": ("order_id", "OrderId", "orderId", "order_number", "OrderNumber", "$event_id", "id"),
        "value": ("value", "$value", "total", "Total", "total_price", "revenue"),
        "currency": ("currency", "Currency", "value_currency", "$currency_code"),
        "items": ("items", "Items", "line_items", "products"),
    }
)
_ITEM: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "name": ("name", "Name", "ProductName", "product_name", "title"),
        "sku": ("sku", "SKU", "product_id", "ProductID"),
        "quantity": ("quantity", "Quantity"),
        "price": ("price", "Price", "ItemPrice", "item_price"),
    }
)


@dataclass(frozen=True, slots=True)
class OrderItem:
    """One line of an order."""

    name: str | None
    sku: str | None
    quantity: float | None
    price: float | None


@dataclass(frozen=True, slots=True)
class Order:
    """One order; `value` is what is left of it after refunds, and None where nobody said."""

    number: str | None
    at: datetime
    value: float | None
    currency: str | None
    items: tuple[OrderItem, ...]
    is_cancelled: bool = False


def orders(activities: Iterable[ContactActivity]) -> Sequence[Order]:
    """The orders among events, newest first; one that is reported again under its number is one."""
    by_age = sorted(activities, key=lambda activity: (activity.at, activity.id))
    placed: dict[str, Order] = {}
    for activity in by_age:
        if activity.metric in PLACED:
            order = _order(activity)
            placed.setdefault(order.number or activity.id, order)
    for activity in by_age:
        number = _text(_first(activity.properties, _PROPERTIES["number"]))
        if activity.metric not in PLACED and number is not None and number in placed:
            placed[number] = _taken_back(placed[number], activity)
    return sorted(placed.values(), key=lambda order: order.at, reverse=True)


def _taken_back(order: Order, activity: ContactActivity) -> Order:
    if activity.metric in CANCELLED:
        return replace(order, is_cancelled=True)
    refunded = _number(_first(activity.properties, _PROPERTIES["value"]))
    if refunded is None or order.value is None:
        return replace(order, value=0.0)
    return replace(order, value=max(0.0, order.value - refunded))


def _order(activity: ContactActivity) -> Order:
    said = {name: _first(activity.properties, names) for name, names in _PROPERTIES.items()}
    currency = _text(said["currency"])
    listed = said["items"] if isinstance(said["items"], list) else []
    return Order(
        number=_text(said["number"]),
        at=activity.at,
        value=_number(said["value"]),
        currency=currency.upper() if currency and len(currency) == _CURRENCY_CHARACTERS else None,
        items=tuple(_item(one) for one in listed[:_MAX_ITEMS] if isinstance(one, Mapping)),
    )


def _item(given: Mapping[str, Any]) -> OrderItem:
    said = {name: _first(given, names) for name, names in _ITEM.items()}
    return OrderItem(_text(said["name"]), _text(said["sku"]), _number(said["quantity"]), _number(said["price"]))


def _first(properties: Mapping[str, Any], names: Sequence[str]) -> object:
    return next((properties[name] for name in names if properties.get(name) is not None), None)


def _text(value: object) -> str | None:
    """Numbers of orders are numbers in some shops and texts in others."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip()[:_MAX_CHARACTERS] or None


def _number(value: object) -> float | None:
    """An amount, whether as a number or as a text; what is no amount is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        amount = float(value)
    except (ValueError, OverflowError):
        return None
    return amount if math.isfinite(amount) and amount >= 0 else None
