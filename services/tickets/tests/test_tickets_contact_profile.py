from datetime import timedelta
from typing import Any

import pytest

from contracts.contacts import ContactEventRecorded, ContactIdentity, ContactUpdated
from contracts.ids import new_id
from service_kit.docstore import All, Cmp, Eq, Sort
from service_kit.docstore.fields import IndexedFields
from service_kit.docstore.planning import require_index
from service_kit.testing.callers import api_key, sign_in
from service_kit.testing.eventually import eventually
from tickets.contacts.contact_activity_store import ActivityQuery
from tickets.contacts.contact_event_filters import CONTACT_EVENT_FILTERS
from tickets.contacts.contact_model import ACTIVITIES

CARL = "carl@customer.example"


def _act(bench: Any, metric: str, days_ago: float, email: str = CARL, **properties: Any) -> ContactEventRecorded:
    return ContactEventRecorded(
        id=new_id("evt"),
        account_id="acc_1",
        time=bench.clock.now(),
        contact=ContactIdentity(email=email),
        metric=metric,
        at=bench.clock.now() - timedelta(days=days_ago),
        properties=properties,
    )


def _order(bench: Any, days_ago: float, value: float = 50, **given: Any) -> ContactEventRecorded:
    said = {"order_id": f"o{days_ago}", "value": value, "currency": "EUR"}
    return _act(bench, "Placed Order", days_ago, **{**said, **given})


async def _carl(bench: Any, *acts: ContactEventRecorded) -> str:
    """Carl wrote, and did all this elsewhere; his contact."""
    [entry] = await bench.receive(bench.inbox.mail())
    contact_id = str((await bench.get(f"/v1/tickets/{entry.ticket_id}"))["contact"]["id"])
    await bench.platform.bus.publish(acts)

    async def all_known() -> bool:
        metrics = (await bench.get(f"/v1/contacts/{contact_id}/metrics"))["items"]
        own = [act for act in acts if act.contact.email == CARL]
        return sum(metric["count"] for metric in metrics) == len(own)

    await eventually(all_known, seconds=15)
    return contact_id


async def test_a_customer_at_a_glance(bench: Any):
    """The profile has segments, fields, consent, tickets, the last contact and the orders (V3)."""
    contact_id = await _carl(bench, *(_order(bench, days) for days in (1, 30, 60)), _act(bench, "Visited", 0))
    report = ContactUpdated(
        id="evt_facts",
        account_id="acc_1",
        time=bench.clock.now(),
        contact=ContactIdentity(email=CARL),
        segments=("vip",),
        custom={"plan": "gold"},
    )
    await bench.platform.bus.publish([report])
    bench.clock.advance(timedelta(hours=1))
    [second] = await bench.receive(bench.inbox.mail(received_at=bench.clock.now()))
    [first] = [ticket["id"] for ticket in await bench.tickets() if ticket["id"] != second.ticket_id]
    await bench.do("POST", f"/v1/tickets/{first}/close")

    async def is_known() -> Any:
        profile = await bench.get(f"/v1/contacts/{contact_id}/profile")
        return profile if profile["contact"]["segments"] else None

    profile = await eventually(is_known, seconds=15)
    orders = profile["orders"]

    assert (profile["contact"]["segments"], profile["contact"]["custom"]) == (["vip"], {"plan": "gold"})
    assert (profile["open_tickets"]["count"], profile["tickets"]) == (1, {"count": 2, "more": False})
    assert profile["last_contact"]["ticket_id"] == second.ticket_id
    assert (orders["count"], orders["value"], orders["average_value"], orders["currency"]) == (3, 150.0, 50.0, "EUR")
    assert [order["number"] for order in orders["recent"]] == ["o1", "o30", "o60"]


async def test_figures_come_with_their_model(bench: Any):
    """Two orders are enough for figures; they say which model they are of, and lie within their bounds (V3)."""
    contact_id = await _carl(bench, _order(bench, 10), _order(bench, 40))
    profile = await bench.get(f"/v1/contacts/{contact_id}/profile")
    figures = profile["forecast"]

    assert (figures["model"], figures["horizon_days"]) == ("bg_nbd+gamma_gamma/cdnow", 364)
    assert 0 < figures["churn_risk"] < 1
    assert figures["expected_orders"] > 0
    assert figures["lifetime_value"] == pytest.approx(100 + figures["expected_value"], abs=0.02)
    assert figures["next_order_at"] > bench.clock.now().isoformat()
    assert profile["forecast_missing"] is None


async def test_other_customers_pull_a_guess_towards_them(bench: Any):
    """What an order will be worth lies between one's own and what the account's customers spend (V3)."""
    others = [_order(bench, days, 10, email=f"c{days}@customer.example") for days in range(2, 22)]
    contact_id = await _carl(bench, _order(bench, 10, 100), _order(bench, 40, 100), *others)
    figures = (await bench.get(f"/v1/contacts/{contact_id}/profile"))["forecast"]

    assert 10 < figures["expected_order_value"] < 100


async def test_without_orders_the_reason_is_given(bench: Any):
    """Where the data are not there, the figures are absent and say why (V3)."""
    contact_id = await _carl(bench, _order(bench, 10))
    profile = await bench.get(f"/v1/contacts/{contact_id}/profile")

    assert (profile["forecast"], profile["forecast_missing"]) == (None, "too_few_orders")
    assert profile["orders"]["count"] == 1


async def test_metrics_are_counted(bench: Any):
    """Every metric is listed with how often and when last, over all contacts that a person is made of (V3)."""
    acts = [_act(bench, "Visited", days) for days in (3, 1, 2)]
    more = [_act(bench, "Visited", 9, "c@work.example"), _act(bench, "Called", 4, "c@work.example")]
    contact_id = await _carl(bench, *acts, *more)
    [other] = [c["id"] for c in (await bench.get("/v1/contacts"))["items"] if c["id"] != contact_id]
    await bench.do("POST", f"/v1/contacts/{other}/merge", {"into": contact_id})
    metrics = (await bench.get(f"/v1/contacts/{contact_id}/metrics"))["items"]
    events = (await bench.get(f"/v1/contacts/{contact_id}/events"))["items"]

    assert [(one["metric"], one["count"], one["more"]) for one in metrics] == [
        ("Called", 1, False),
        ("Visited", 4, False),
    ]
    assert metrics[1]["last_at"] == acts[1].at.isoformat().replace("+00:00", "Z")
    assert len(events) == 5


async def test_events_are_narrowed(bench: Any):
    """By several metrics and a range, or by a saved filter, which the request may narrow further (V3)."""
    acts = [_act(bench, metric, days) for days, metric in enumerate(("Visited", "Called", "Bought", "Visited"))]
    contact_id = await _carl(bench, *acts)
    path = f"/v1/contacts/{contact_id}/events"
    body = {"name": "Recent", "choice": {"metrics": ["Visited", "Bought"], "last_days": 2}}
    saved = (await bench.do("POST", "/v1/contact-event-filters", body)).json()
    since = (bench.clock.now() - timedelta(days=2, hours=1)).isoformat()
    found = {
        "metrics": await bench.get(path, metric=["Called", "Bought"]),
        "range": await bench.get(path, since=since),
        "saved": await bench.get(path, filter=saved["id"]),
        "wider": await bench.get(path, filter=saved["id"], since="2020-01-01T00:00:00Z"),
        "narrower": await bench.get(path, filter=saved["id"], metric="Bought"),
    }

    assert {name: [one["metric"] for one in page["items"]] for name, page in found.items()} == {
        "metrics": ["Called", "Bought"],
        "range": ["Visited", "Called", "Bought"],
        "saved": ["Visited", "Bought"],
        "wider": ["Visited", "Bought", "Visited"],
        "narrower": ["Bought"],
    }


async def test_saved_filters_are_kept(bench: Any):
    """A filter is added once, listed by name, changed and removed; another account sees none of it (V3, S4)."""
    new = {"name": "Orders", "choice": {"metrics": ["Placed Order"]}}
    key = {"Idempotency-Key": "one"}
    made = [(await bench.do("POST", "/v1/contact-event-filters", new, **key)).json()["id"] for _ in range(2)]
    await bench.do("POST", "/v1/contact-event-filters", {"name": "All"})
    path = f"/v1/contact-event-filters/{made[0]}"
    changed = await bench.do("PATCH", path, {"choice": {"last_days": 30}})
    listed = (await bench.get("/v1/contact-event-filters"))["items"]
    stranger = await sign_in(bench.platform, account_id="acc_2", agent_id="agt_9")
    hidden = [await bench.http.request(method, path, headers=stranger) for method in ("GET", "DELETE")]
    removed = await bench.do("DELETE", path)

    assert made[0] == made[1]
    assert [one["name"] for one in listed] == ["All", "Orders"]
    assert changed.json()["choice"] == {"metrics": [], "since": None, "until": None, "last_days": 30}
    assert [answer.status_code for answer in hidden] == [404, 404]
    assert (removed.status_code, (await bench.do("GET", path)).status_code) == (204, 404)


async def test_flawed_filters_are_refused(bench: Any):
    """A range that is none, two at once, a moment without a zone and unknown names are refused whole."""
    flawed: list[dict[str, Any]] = [
        {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"},
        {"last_days": 3, "since": "2026-01-01T00:00:00Z"},
        {"last_days": 0},
        {"metrics": [""]},
        {"metrics": ["a"] * 51},
        {"since": "2026-01-01T00:00:00"},
        {"colour": "red"},
    ]
    answers = [await bench.do("POST", "/v1/contact-event-filters", {"name": "Flawed", "choice": one}) for one in flawed]

    assert [(one.status_code, one.json()["code"]) for one in answers] == [(422, "invalid_request")] * len(flawed)


async def test_a_flawed_range_of_events_is_refused(bench: Any):
    """The same holds for what a request for events says itself."""
    contact_id = await _carl(bench, _act(bench, "Visited", 1))
    asked = {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
    answer = await bench.http.get(f"/v1/contacts/{contact_id}/events", params=asked)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("what", ["profile", "metrics", "events"])
async def test_profiles_of_another_account_are_not_there(bench: Any, what: str):
    """Nobody reads what another account knows of a customer, and nobody without the permission to read (S1, S4)."""
    contact_id = await _carl(bench, _act(bench, "Visited", 1))
    stranger = await sign_in(bench.platform, account_id="acc_2", agent_id="agt_9")
    blind = await api_key(bench.platform, scopes=("events:write",))
    path = f"/v1/contacts/{contact_id}/{what}"
    answers = [await bench.http.get(path, headers=headers) for headers in (stranger, blind)]

    assert [answer.status_code for answer in answers] == [404, 403]


def test_every_query_for_events_is_led_by_an_index() -> None:
    """Whatever is asked of contacts' events and of saved filters, a declared index leads it."""
    fields, newest = IndexedFields(ACTIVITIES), Sort("at", descending=True)
    require_index(fields, ActivityQuery(("con_1", "con_2")).where, newest)
    require_index(fields, ActivityQuery(("con_1",), metrics=("a", "b")).where, newest)
    require_index(fields, All(Eq("account_id", "acc_1"), Eq("metric", "a")), newest)
    require_index(fields, All(Eq("contact_id", "con_1"), Cmp("metric", ">", "a")), Sort("metric"))
    require_index(IndexedFields(CONTACT_EVENT_FILTERS), Eq("account_id", "acc_1"), Sort("sort_name"))

    assert ("account_id", "metric", "at") in [index.fields for index in ACTIVITIES.indexes]
