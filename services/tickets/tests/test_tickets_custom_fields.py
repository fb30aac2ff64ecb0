"""Custom fields: defined, typed, set, told, listed by, shown (L8)."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.contacts import ContactChanged, ContactIdentity, ContactUpdated
from contracts.ids import new_id
from contracts.people import Actor
from contracts.tickets import CustomFieldChange, TicketCustomFieldsChanged
from service_kit.testing.callers import sign_in
from tickets.custom.custom_fields import CUSTOM_FIELDS, CustomField, asked_terms, misfit, misfits, terms
from tickets.custom.custom_values import customised

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANN = Actor(kind="agent", id="agt_1")


def _field(key: str = "reason", **given: Any) -> CustomField:
    fields = {"id": f"cuf_{key}", "account_id": "acc_1", "scope": "ticket", "key": key, "label": key, "type": "text"}
    return CustomField.model_validate({**fields, "created_at": NOON, "updated_at": NOON, **given})


async def _admin(bench: Any) -> dict[str, str]:
    return dict(await sign_in(bench.platform, agent_id="agt_9", role="admin"))


async def _define(bench: Any, key: str, field_type: str = "text", **given: Any) -> Any:
    body = {"scope": "ticket", "key": key, "label": key.title(), "type": field_type, **given}
    return await bench.do("POST", "/v1/custom-fields", body, **await _admin(bench))


async def _ticket(bench: Any) -> str:
    [entry] = await bench.receive(bench.inbox.mail())
    return str(entry.ticket_id)


async def _set(bench: Any, ticket_id: str, values: dict[str, Any], **headers: str) -> Any:
    return await bench.do("PUT", f"/v1/tickets/{ticket_id}/custom", {"values": values}, **headers)


@pytest.mark.parametrize(
    ("field_type", "fitting", "other"),
    [
        ("text", ["x", "x" * 1_000], ["", " ", "x" * 1_001, 1, True]),
        ("number", [0, -1, 12.5, 1e15], ["1", True, 1e16, 10**400, float("nan"), float("inf")]),
        ("boolean", [True, False], [1, 0, "true"]),
        ("date", ["2026-02-28", "2024-02-29"], ["2026-02-29", "20260228", "2026-W09-6", "28.2.2026", 20260228]),
        ("choice", ["damaged", "late"], ["lost", "Damaged", 1, True]),
    ],
)
def test_what_fits_a_field(field_type: Any, fitting: list[Any], other: list[Any]) -> None:
    """Each type takes what it is for and nothing else (L8, S4)."""
    field = _field(type=field_type, options=("damaged", "late") if field_type == "choice" else ())

    assert [value for value in fitting if misfit(field, value)] == []
    assert [value for value in other if not misfit(field, value)] == []


def test_every_error_is_named_once() -> None:
    """One sentence for each value that does not fit: unknown, of another type, or required (L8)."""
    fields = {"due": _field("due", type="date"), "reason": _field(required=True), "note": _field("note")}
    wrong = misfits(fields, {"due": "soon", "reason": None, "colour": "red", "note": None})

    assert wrong == {
        "due": "must be a date such as 2026-11-20",
        "reason": "is required, and cannot be emptied",
        "colour": "there is no such field",
    }


_VALUES = st.one_of(
    st.booleans(),
    st.integers(min_value=-(10**15), max_value=10**15),
    st.floats(min_value=-1e15, max_value=1e15),
    st.text(min_size=1, max_size=50),
)


@given(_VALUES)
def test_a_value_is_found_by_what_it_reads_as(value: Any) -> None:
    """What a value looks like in an address finds it, whatever its type (L8)."""
    asked = str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, float) else str(value)

    assert set(terms({"key": value})) & set(asked_terms("key", asked))


def test_values_of_other_spelling_are_found_and_others_are_not() -> None:
    """Case and space do not matter in texts, nor zeros in numbers; a text of digits is no number (L8)."""
    found = [
        (value, asked)
        for value, asked in [
            ("Very  Late", "very late"),
            (12, "12.0"),
            (12.5, "12.50"),
            (True, "TRUE"),
            ("007", "7"),
            ("true", "1"),
            (1, "true"),
            ("late", "lat"),
        ]
        if set(terms({"key": value})) & set(asked_terms("key", asked))
    ]

    assert found == [("Very  Late", "very late"), (12, "12.0"), (12.5, "12.50"), (True, "TRUE")]


def test_setting_what_is_set_changes_nothing(make_ticket: Any) -> None:
    """The same values say nothing and raise no version; true is not 1 (L5, L8)."""
    ticket = make_ticket(custom={"count": 1, "vip": True})
    fields = {"count": _field("count", type="number"), "vip": _field("vip", type="boolean")}

    assert customised(ticket, fields, {"count": 1, "vip": True, "gone": None}, actor=ANN, now=NOON) is ticket
    assert customised(ticket, fields, {"count": 2}, actor=ANN, now=NOON).custom == {"count": 2, "vip": True}


async def test_values_are_set_told_and_shown(bench: Any):
    """A ticket shows its values in the order of the fields, and its event says what changed, but no text (L5, L8)."""
    await _define(bench, "reason", "choice", options=["damaged", "late"], order=2)
    await _define(bench, "refund", "number", order=1)
    await _define(bench, "remark", order=3)
    ticket = await _ticket(bench)
    version = (await bench.get(f"/v1/tickets/{ticket}"))["version"]
    first = await _set(
        bench, ticket, {"reason": "late", "refund": 10, "remark": "by phone"}, **{"If-Match": str(version)}
    )
    stale = await _set(bench, ticket, {"refund": 11}, **{"If-Match": str(version)})
    second = await _set(bench, ticket, {"refund": 12.5, "remark": None})
    said = await bench.hear(TicketCustomFieldsChanged, count=2)

    assert first.status_code == 200, first.text
    assert list(first.json()["custom"].items()) == [("refund", 10), ("reason", "late"), ("remark", "by phone")]
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert second.json()["custom"] == {"refund": 12.5, "reason": "late"}
    assert (await bench.get(f"/v1/tickets/{ticket}"))["custom"] == {"refund": 12.5, "reason": "late"}
    assert [event.changes for event in said] == [
        (
            CustomFieldChange(key="reason", field_type="choice", value="late"),
            CustomFieldChange(key="refund", field_type="number", value=10),
            CustomFieldChange(key="remark", field_type="text"),
        ),
        (
            CustomFieldChange(key="refund", field_type="number", previous=10, value=12.5),
            CustomFieldChange(key="remark", field_type="text"),
        ),
    ]


async def test_values_that_do_not_fit_are_refused_together(bench: Any):
    """One wrong value refuses all, with an error for each (L8, S4)."""
    await _define(bench, "refund", "number")
    await _define(bench, "due", "date", required=True)
    ticket = await _ticket(bench)
    answer = await _set(bench, ticket, {"refund": "a lot", "due": None, "lost": "x"})
    flaws: list[Any] = [
        {"values": {}},
        {"values": {"refund": {"$gt": ""}}},
        {"values": {"refund": [1]}},
        {"values": {"Bad key": 1}},
        {"values": {f"k{number}": 1 for number in range(101)}},
        {"values": {"refund": 1}, "more": 1},
    ]
    refused = [await bench.do("PUT", f"/v1/tickets/{ticket}/custom", flaw) for flaw in flaws]

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_custom_values")
    assert [error["field"] for error in answer.json()["errors"]] == ["refund", "due", "lost"]
    assert {(one.status_code, one.json()["code"]) for one in refused} == {(422, "invalid_request")}
    assert (await bench.get(f"/v1/tickets/{ticket}"))["custom"] == {}


async def test_lists_and_views_by_custom_field(bench: Any):
    """A list and a saved view are narrowed by custom fields, several together, with anything else (L8, V1)."""
    await _define(bench, "reason", "choice", options=["damaged", "late"])
    await _define(bench, "refund", "number")
    late, both, other = [await _ticket(bench) for _ in range(3)]
    await _set(bench, late, {"reason": "late"})
    await _set(bench, both, {"reason": "late", "refund": 12})
    await _set(bench, other, {"reason": "damaged", "refund": 12})
    await bench.do("PUT", f"/v1/tickets/{both}/tags", {"tags": ["vip"]})
    view = (await bench.do("POST", "/v1/views", {"name": "Late", "filter": {"custom": {"reason": "late"}}})).json()
    asked: dict[str, dict[str, str]] = {
        "reason": {"custom.reason": "Late"},
        "both": {"custom.reason": "late", "custom.refund": "12.0"},
        "tag": {"custom.refund": "12", "tag": "vip"},
        "unknown": {"custom.colour": "red"},
        "view": {"view": view["id"]},
        "narrowed view": {"view": view["id"], "tag": "vip"},
        "sorted": {"custom.reason": "late", "sort": "created_at"},
    }
    found = {
        name: {ticket["id"] for ticket in (await bench.get("/v1/tickets", **query))["items"]}
        for name, query in asked.items()
    }

    assert found == {
        "reason": {late, both},
        "both": {both},
        "tag": {both},
        "unknown": set(),
        "view": {late, both},
        "narrowed view": {both},
        "sorted": {late, both},
    }


async def test_filters_that_make_no_sense(bench: Any):
    """Keys and values beyond their limits are refused by name (S4)."""
    flaws: list[dict[str, str]] = [
        {"custom.Bad key": "x"},
        {"custom.": "x"},
        {"custom.key": ""},
        {"custom.key": "x" * 1_001},
        {f"custom.k{number}": "x" for number in range(6)},
    ]
    answers = [await bench.http.get("/v1/tickets", params=flaw) for flaw in flaws]
    view = await bench.do("POST", "/v1/views", {"name": "x", "filter": {"custom": {"Bad key": "x"}}})

    assert {(answer.status_code, answer.json()["code"]) for answer in (*answers, view)} == {(422, "invalid_request")}
    assert answers[0].json()["errors"][0]["field"] == "query.custom.Bad key"


async def test_the_life_of_a_definition(bench: Any):
    """A field is changed but for key and type; deleting hides it, and the same key shows again what was set (L8)."""
    made = (await _define(bench, "reason", "choice", options=["late"])).json()
    ticket = await _ticket(bench)
    await _set(bench, ticket, {"reason": "late"})
    admin, path = await _admin(bench), f"/v1/custom-fields/{made['id']}"
    changed = await bench.do("PATCH", path, {"label": "Why", "options": ["damaged"], "required": True}, **admin)
    kept = (await bench.get(f"/v1/tickets/{ticket}"))["custom"]
    twice = await _define(bench, "reason", "choice", options=["other"])
    deleted = await bench.do("DELETE", path, **admin)
    hidden = (await bench.get(f"/v1/tickets/{ticket}"))["custom"]
    gone = [await bench.do(method, path, {"label": "x"}, **admin) for method in ("GET", "PATCH", "DELETE")]
    listed = (await bench.get("/v1/custom-fields"))["items"]
    other_type = await _define(bench, "reason", "text")
    again = await _define(bench, "reason", "choice", options=["late"])

    assert (changed.status_code, changed.json()["label"], changed.json()["type"]) == (200, "Why", "choice")
    assert (kept, hidden, deleted.status_code, listed) == ({"reason": "late"}, {}, 204, [])
    assert (twice.status_code, twice.json()["code"]) == (409, "field_exists")
    assert [(one.status_code, one.json()["code"]) for one in gone] == [(404, "not_found")] * 3
    assert (other_type.status_code, other_type.json()["code"]) == (409, "field_type_fixed")
    assert (again.status_code, again.json()["id"]) == (201, made["id"])
    assert (await bench.get(f"/v1/tickets/{ticket}"))["custom"] == {"reason": "late"}


async def test_definitions_in_order_page_by_page(bench: Any):
    """Fields come by their order, then by key; of tickets or contacts only if asked; the same twice is one (L8)."""
    made = [
        (await _define(bench, key, order=order, scope=scope)).json()["id"]
        for key, order, scope in [("b", 0, "ticket"), ("a", 0, "contact"), ("c", 1, "ticket"), ("b", 0, "ticket")]
    ]
    first = await bench.get("/v1/custom-fields", limit=2)
    rest = await bench.get("/v1/custom-fields", limit=2, cursor=first["next_cursor"])
    of_tickets = await bench.get("/v1/custom-fields", scope="ticket")

    assert [field["key"] for field in (*first["items"], *rest["items"])] == ["a", "b", "c"]
    assert [field["key"] for field in of_tickets["items"]] == ["b", "c"]
    assert made[0] == made[3]


async def test_who_defines_fields_and_for_whom(bench: Any):
    """Admins define, agents read and set; another account has none of it (S1)."""
    made = (await _define(bench, "reason")).json()
    ticket = await _ticket(bench)
    stranger = await sign_in(bench.platform, account_id="acc_2", agent_id="agt_x")
    support = await sign_in(bench.platform, agent_id="agt_2", role="support")
    body = {"scope": "ticket", "key": "x", "label": "x", "type": "text"}
    forbidden = await bench.do("POST", "/v1/custom-fields", body, **support)
    hidden = [
        await bench.do("GET", f"/v1/custom-fields/{made['id']}", **stranger),
        await _set(bench, ticket, {"reason": "x"}, **stranger),
    ]
    allowed = await _set(bench, ticket, {"reason": "x"}, **support)

    assert (forbidden.status_code, allowed.status_code) == (403, 200)
    assert [(one.status_code, one.json()["code"]) for one in hidden] == [(404, "not_found")] * 2
    assert (await bench.do("GET", "/v1/custom-fields", **stranger)).json()["items"] == []


async def test_definitions_that_make_no_sense(bench: Any):
    """Types, keys and options that mean nothing are refused (S4)."""
    flaws: list[dict[str, Any]] = [
        {"type": "choice"},
        {"type": "text", "options": ["a"]},
        {"type": "choice", "options": ["a", "a"]},
        {"type": "colour"},
        {"key": "Bad"},
        {"key": "x" * 51},
        {"label": " "},
        {"order": -1},
        {"scope": "team"},
        {"hidden": True},
    ]
    body = {"scope": "ticket", "key": "reason", "label": "Reason", "type": "text"}
    admin = await _admin(bench)
    answers = [await bench.do("POST", "/v1/custom-fields", {**body, **flaw}, **admin) for flaw in flaws]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(422, "invalid_request")}


async def test_an_account_has_so_many_fields(bench: Any):
    """The hundred and first is refused; a deleted one makes room (S4)."""
    stored = bench.platform.store.collection(CUSTOM_FIELDS)
    await stored.insert_many([_field(f"k{number}") for number in range(99)])
    hundredth, next_one = await _define(bench, "a"), await _define(bench, "b")
    await bench.do("DELETE", f"/v1/custom-fields/{hundredth.json()['id']}", **await _admin(bench))
    room = await _define(bench, "b")

    assert (hundredth.status_code, next_one.status_code, room.status_code) == (201, 409, 201)
    assert next_one.json()["code"] == "limit_reached"


async def test_values_of_contacts_are_shown_under_their_definitions(bench: Any):
    """What an outside system reported is kept as it said it, and shown with whether it fits (L8, V3)."""
    await _define(bench, "size", "number", scope="contact", order=1)
    await _define(bench, "vip", "boolean", scope="contact", order=2, required=True)
    await bench.receive(bench.inbox.mail())
    report = ContactUpdated(
        id=new_id("evt"),
        account_id="acc_1",
        time=NOON,
        contact=ContactIdentity(email="carl@customer.example"),
        custom={"size": "XL", "shoe": {"left": 41}},
    )
    await bench.platform.bus.publish([report])
    await bench.hear(ContactChanged, custom={"size": "XL", "shoe": {"left": 41}})
    [contact] = (await bench.get("/v1/contacts"))["items"]
    shown = await bench.get(f"/v1/contacts/{contact['id']}/custom")
    missing = await bench.do("GET", "/v1/contacts/con_unknown/custom")

    assert shown == {
        "fields": [
            {"key": "size", "label": "Size", "type": "number", "value": "XL", "fits": False},
            {"key": "vip", "label": "Vip", "type": "boolean", "value": None, "fits": False},
        ],
        "other": {"shoe": {"left": 41}},
    }
    assert missing.status_code == 404


async def test_a_macro_says_only_fields_of_tickets_that_there_are(bench: Any):
    """A custom field that nobody defined is refused by name; one that is deleted has no value any more (N2, L8)."""
    manager = await sign_in(bench.platform, agent_id="agt_9", role="manager")
    body = {"name": "n", "text": "Refund: {{ ticket.custom.refund }}"}
    refused = await bench.do("POST", "/v1/macros", body, **manager)
    field = (await _define(bench, "refund", "number")).json()
    made = await bench.do("POST", "/v1/macros", body, **manager)
    ticket = await _ticket(bench)
    await _set(bench, ticket, {"refund": 12.0})
    preview = await bench.do("POST", f"/v1/tickets/{ticket}/macros/{made.json()['id']}/preview")
    changed = await bench.do(
        "PATCH", f"/v1/macros/{made.json()['id']}", {"html": "{{ ticket.custom.colour }}"}, **manager
    )

    await bench.do("DELETE", f"/v1/custom-fields/{field['id']}", **await _admin(bench))
    hidden = await bench.do("POST", f"/v1/tickets/{ticket}/macros/{made.json()['id']}/preview")

    assert (hidden.status_code, hidden.json()["missing"]) == (422, ["ticket.custom.refund"])
    assert (refused.status_code, refused.json()["unknown"]) == (422, ["ticket.custom.refund"])
    assert preview.json()["text"] == "Refund: 12"
    assert (changed.status_code, changed.json()["code"]) == (422, "unknown_variable")
