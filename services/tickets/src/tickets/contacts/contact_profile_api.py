"""`GET /v1/contacts/{id}/profile`, `…/metrics`, `…/events`: a customer at a glance, and what they did (V3)."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import BaseModel, ValidationError

from contracts.envelope import UtcDatetime
from contracts.people import Channel
from service_kit.auth import Permission, Principal, requires
from service_kit.clock import Clock
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.routes import Routes
from service_kit.problem import Problem
from tickets.contacts.contact_activity_store import ActivityQuery, ContactActivityStore
from tickets.contacts.contact_event_filter_workflow import ContactEventFilters
from tickets.contacts.contact_event_filters import EventChoice, Metric
from tickets.contacts.contact_forecast import HORIZON_DAYS, MODEL, Forecast, Missing
from tickets.contacts.contact_model import ContactActivity
from tickets.contacts.contact_profile import ContactProfiles, Profile
from tickets.contacts.contact_store import ContactStore
from tickets.contacts.contact_view import ContactView
from tickets.lists.tickets_api import CountView
from tickets.ticket.model import Ticket
from tickets.ticket.ticket_problems import no_such

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]


class ActivityView(BaseModel):
    """Something a contact did elsewhere."""

    id: str
    metric: str
    at: UtcDatetime
    properties: dict[str, Any]

    @classmethod
    def of(cls, activity: ContactActivity) -> "ActivityView":
        """The public side of the document."""
        return cls(id=activity.id, metric=activity.metric, at=activity.at, properties=activity.properties)


class MetricView(BaseModel):
    """How often a contact did something, and when last; exact up to 1,000, with `more` it is more than `count`."""

    metric: str
    count: int
    more: bool
    last_at: UtcDatetime


class LastContactView(BaseModel):
    """When the customer wrote last, and where."""

    at: UtcDatetime
    ticket_id: str
    channel: Channel

    @classmethod
    def of(cls, ticket: Ticket | None) -> "LastContactView | None":
        """The last word in a ticket."""
        if ticket is None or ticket.last_inbound_at is None:
            return None
        return cls(at=ticket.last_inbound_at, ticket_id=ticket.id, channel=ticket.channel)


class OrderItemView(BaseModel):
    """One line of an order, as far as the shop said."""

    name: str | None
    sku: str | None
    quantity: float | None
    price: float | None


class OrderView(BaseModel):
    """One order; `value` is what is left of it after refunds."""

    number: str | None
    at: UtcDatetime
    value: float | None
    currency: str | None
    items: tuple[OrderItemView, ...]
    is_cancelled: bool


class OrdersView(BaseModel):
    """The orders of a contact: cancelled ones do not count, and value only in the currency of the newest.

    The figures are of the newest 1,000 events about orders.
    """

    count: int
    currency: str | None
    value: float | None
    average_value: float | None
    first_at: UtcDatetime | None
    last_at: UtcDatetime | None
    recent: list[OrderView]


class ForecastView(BaseModel):
    """What to expect within `horizon_days`, after `model`; `lifetime_value` is what was spent with what is expected.

    `churn_risk` is the probability that the customer buys no more; `next_order_at` supposes that they do.
    """

    model: str = MODEL
    horizon_days: int = HORIZON_DAYS
    expected_orders: float
    churn_risk: float
    next_order_at: UtcDatetime
    expected_order_value: float | None
    expected_value: float | None
    lifetime_value: float | None


class ProfileView(BaseModel):
    """A customer at a glance. Where `forecast` is null, `forecast_missing` says why."""

    contact: ContactView
    open_tickets: CountView
    tickets: CountView
    last_contact: LastContactView | None
    orders: OrdersView
    forecast: ForecastView | None
    forecast_missing: Missing | None

    @classmethod
    def of(cls, profile: Profile, *, asked: str) -> "ProfileView":
        """The profile for who asked for a contact of this id."""
        found = profile.forecast
        recent = [OrderView.model_validate(asdict(order)) for order in profile.recent_orders]
        return cls(
            contact=ContactView.of(profile.contact, asked=asked),
            open_tickets=CountView.model_validate(asdict(profile.open_tickets)),
            tickets=CountView.model_validate(asdict(profile.tickets)),
            last_contact=LastContactView.of(profile.last_heard),
            orders=OrdersView.model_validate({**asdict(profile.figures), "recent": recent}),
            forecast=ForecastView.model_validate(asdict(found)) if isinstance(found, Forecast) else None,
            forecast_missing=None if isinstance(found, Forecast) else found,
        )


def _choice(
    metric: Annotated[list[Metric] | None, Query(max_length=50, description="May be given several times.")] = None,
    since: datetime | None = None,
    until: Annotated[datetime | None, Query(description="Not included.")] = None,
) -> EventChoice:
    try:
        return EventChoice(metrics=tuple(metric or ()), since=since, until=until)
    except ValidationError as error:
        detail = "; ".join(flaw["msg"] for flaw in error.errors(include_input=False, include_url=False))
        raise Problem(422, "invalid_request", detail) from error


def contact_profile_router(
    contacts: ContactStore,
    activities: ContactActivityStore,
    profiles: ContactProfiles,
    filters: ContactEventFilters,
    clock: Clock,
) -> Routes:
    """The routes."""
    router = Routes("/v1/contacts/{contact_id}", tags=["contacts"])

    async def ids(principal: Principal, contact_id: str) -> tuple[str, ...]:
        contact = await contacts.get(principal.account_id, contact_id)
        if contact is None:
            raise no_such("contact")
        return contact.ids

    @router.get("/profile")
    async def show_contact_profile(principal: Reader, contact_id: str) -> ProfileView:
        """A customer at a glance: consent, segments, fields, tickets, last contact, orders, and what to expect."""
        return ProfileView.of(await profiles.show(principal.account_id, contact_id), asked=contact_id)

    @router.get("/metrics")
    async def list_contact_metrics(principal: Reader, contact_id: str) -> PageOf[MetricView]:
        """What a contact did elsewhere, by metric: the first 100 by name, each with how often and when last."""
        found = await activities.metrics(await ids(principal, contact_id))
        return PageOf(items=[MetricView.model_validate(asdict(one)) for one in found])

    @router.get("/events")
    async def list_contact_events(
        principal: Reader,
        contact_id: str,
        asked: Annotated[EventChoice, Depends(_choice)],
        saved: Annotated[str | None, Query(alias="filter", max_length=100, description="A saved filter's id.")] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> PageOf[ActivityView]:
        """What a contact did elsewhere, newest first; what the request says itself wins over a saved filter."""
        contact_ids = await ids(principal, contact_id)
        choice = asked.over((await filters.get(principal, saved)).choice) if saved is not None else asked
        query = ActivityQuery(contact_ids, choice.metrics, choice.since_at(clock.now()), choice.until)
        page = await activities.page(query, limit=limit, cursor=cursor)
        return PageOf(items=[ActivityView.of(activity) for activity in page.items], next_cursor=page.next_cursor)

    return router
