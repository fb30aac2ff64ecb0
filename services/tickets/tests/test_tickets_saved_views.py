"""Saved views: kept, seen by whom they are for, and listed and counted as they say (V1)."""

from typing import Any

import pytest

from service_kit.auth import EVERY_SCOPE, Principal
from service_kit.testing.callers import api_key, sign_in
from service_kit.testing.eventually import eventually
from tickets.lists.narrowing import Narrowing
from tickets.lists.saved_views import SavedView, ViewFilter, is_visible, may_change


async def _ticket(bench: Any, *, tags: tuple[str, ...] = (), text: str = "Hello") -> str:
    [entry] = await bench.receive(bench.inbox.mail(text))
    if tags:
        await bench.do("PUT", f"/v1/tickets/{entry.ticket_id}/tags", {"tags": list(tags)})
    return str(entry.ticket_id)


async def _save(bench: Any, name: str = "Late", **given: Any) -> Any:
    headers = given.pop("headers", {})
    answer = await bench.do("POST", "/v1/views", {"name": name, **given}, **headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def _view(make_ticket: Any, **given: Any) -> SavedView:
    now = make_ticket().created_at
    fields = {"id": "viw_1", "account_id": "acc_1", "owner_id": "agt_1", "shared": False, "name": "x", "sort_name": "x"}
    return SavedView.model_validate({**fields, "created_at": now, "updated_at": now, **given})


def _agent(agent_id: str, role: Any = "support", account_id: str = "acc_1") -> Principal:
    return Principal(account_id, "agent", agent_id, role, frozenset({EVERY_SCOPE}), "cred_1")


@pytest.mark.parametrize(
    ("shared", "who", "sees", "changes"),
    [
        (False, _agent("agt_1"), True, True),
        (False, _agent("agt_2", "owner"), False, True),
        (True, _agent("agt_2"), True, False),
        (True, _agent("agt_2", "manager"), True, True),
        (True, _agent("agt_1", "owner", "acc_2"), False, True),
    ],
    ids=["own", "private-of-another", "shared", "shared-manager", "another-account"],
)
def test_who_sees_and_changes_a_view(make_ticket: Any, *, shared: bool, who: Principal, sees: bool, changes: bool):
    """A private view is its owner's; a shared one is seen by all and changed by its owner and managers (V1, S1)."""
    view = _view(make_ticket, shared=shared)

    assert is_visible(view, who) is sees
    assert may_change(view, who) is changes


def test_what_a_request_says_itself_wins() -> None:
    """A request narrows a saved view further, and what both say is as the request says (V1)."""
    saved = ViewFilter(status="any", tag="late", channel="sms").narrowing

    assert Narrowing(tag="vip", priority="high").over(saved) == Narrowing(
        status="any", tag="vip", channel="sms", priority="high"
    )
    assert (Narrowing().stored_status, saved.stored_status) == ("open", None)


async def test_a_view_lists_what_it_says(bench: Any):
    """A saved view lists by its filter and order, is narrowed further by the request, and is counted (V1)."""
    late, both = await _ticket(bench, tags=("late",)), await _ticket(bench, tags=("late", "vip"), text="A kettle")
    done = await _ticket(bench, tags=("late",))
    await _ticket(bench)
    await bench.do("POST", f"/v1/tickets/{done}/close")
    await bench.do("PUT", f"/v1/tickets/{late}/priority", {"priority": "urgent"})
    view = await _save(bench, filter={"tag": "late"}, sort="-priority", columns=["number", "priority"])
    asked: dict[str, dict[str, Any]] = {
        "as saved": {},
        "any status": {"status": "any"},
        "narrowed": {"q": "kettle"},
        "other order": {"sort": "created_at"},
        "page": {"limit": 1},
    }
    found = {
        name: [ticket["id"] for ticket in (await bench.get("/v1/tickets", view=view["id"], **query))["items"]]
        for name, query in asked.items()
    }
    counts = await bench.get("/v1/tickets/counts")

    assert found["as saved"] == [late, both]
    assert sorted(found["any status"]) == sorted([late, both, done])
    assert (found["narrowed"], found["page"]) == ([both], [late])
    assert sorted(found["other order"]) == sorted([late, both])
    assert (counts["all"]["count"], counts["views"]) == (3, {view["id"]: {"count": 2, "more": False}})


async def test_views_are_in_the_audit_log(bench: Any):
    """Who saved, changed and removed a view can be looked up, private ones too (S3, V1)."""
    view = await _save(bench)
    await bench.do("PATCH", f"/v1/views/{view['id']}", {"shared": True})
    await bench.do("DELETE", f"/v1/views/{view['id']}")

    async def entries() -> list[Any]:
        found = (await bench.get("/v1/audit", target=view["id"]))["items"]
        return found if len(found) == 3 else []

    found = {entry["action"]: entry for entry in await eventually(entries)}

    assert found.keys() == {"view.created", "view.changed", "view.deleted"}
    assert found["view.changed"]["fields"] == ["shared"]
    assert {entry["actor"]["id"] for entry in found.values()} == {"agt_1"}


async def test_mine_is_the_readers(bench: Any):
    """A shared view of *My inbox* shows each reader their own tickets (V1)."""
    ann, ben = await _ticket(bench), await _ticket(bench)
    for ticket, agent in ((ann, "agt_1"), (ben, "agt_2")):
        await bench.do("PUT", f"/v1/tickets/{ticket}/assignee", {"agent_id": agent})
    view = await _save(bench, shared=True, filter={"view": "mine"})
    other = await bench.as_agent("agt_2")
    key = await api_key(bench.platform)
    lists = [
        [one["id"] for one in (await bench.do("GET", f"/v1/tickets?view={view['id']}", **who)).json()["items"]]
        for who in ({}, other)
    ]
    nobody = await bench.do("GET", f"/v1/tickets?view={view['id']}", **key)
    counts = (await bench.do("GET", "/v1/tickets/counts", **key)).json()

    assert lists == [[ann], [ben]]
    assert (nobody.status_code, nobody.json()["code"], counts["views"][view["id"]]["count"]) == (403, "agent_needed", 0)


async def test_private_and_shared_views(bench: Any):
    """Each sees what is shared and what is their own, by name and page by page; the rest is not there (V1)."""
    mine = await _save(bench, "b mine")
    shared = await _save(bench, "A shared", shared=True)
    headers = await sign_in(bench.platform, agent_id="agt_2", role="support")
    theirs = await _save(bench, "c theirs", headers=headers)
    first = await bench.get("/v1/views", limit=1)
    rest = await bench.get("/v1/views", cursor=first["next_cursor"])
    seen_by_ben = (await bench.do("GET", "/v1/views", **headers)).json()["items"]
    hidden = [
        await bench.do("GET", f"/v1/views/{theirs['id']}"),
        await bench.do("PATCH", f"/v1/views/{theirs['id']}", {"name": "x"}),
        await bench.do("DELETE", f"/v1/views/{theirs['id']}"),
        await bench.do("GET", f"/v1/tickets?view={theirs['id']}"),
    ]
    refused = await bench.do("PATCH", f"/v1/views/{shared['id']}", {"name": "x"}, **headers)

    assert [view["id"] for view in (*first["items"], *rest["items"])] == [shared["id"], mine["id"]]
    assert [view["id"] for view in seen_by_ben] == [shared["id"], theirs["id"]]
    assert {(answer.status_code, answer.json()["code"]) for answer in hidden} == {(404, "not_found")}
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_a_view_changes_and_goes(bench: Any):
    """What is given is changed, the rest stays; what is gone is gone (V1)."""
    view = await _save(bench, filter={"tag": "late"}, columns=["number"])
    path = f"/v1/views/{view['id']}"
    changed = (await bench.do("PATCH", path, {"shared": True, "columns": ["subject"]})).json()
    gone = await bench.do("DELETE", path)
    again = await bench.do("DELETE", path)

    assert (changed["name"], changed["filter"]["tag"]) == ("Late", "late")
    assert (changed["shared"], changed["columns"]) == (True, ["subject"])
    assert (gone.status_code, again.status_code) == (204, 404)


async def test_a_view_is_saved_once(bench: Any):
    """The same request again, with its key, is the same view (S3)."""
    key = {"Idempotency-Key": "once"}
    one, two = [await _save(bench, headers=key) for _ in range(2)]

    assert one == two
    assert len((await bench.get("/v1/views"))["items"]) == 1


async def test_views_that_make_no_sense(bench: Any):
    """Names, filters, orders and columns that mean nothing are refused (S4)."""
    flaws: list[dict[str, Any]] = [
        {"name": " "},
        {"name": "x" * 201},
        {"filter": {"status": "lost"}},
        {"filter": {"tag": {"$gt": ""}}},
        {"filter": {"colour": "red"}},
        {"filter": {"q": ""}},
        {"sort": "colour"},
        {"columns": ["colour"]},
        {"owner_id": "agt_2"},
    ]
    answers = [await bench.do("POST", "/v1/views", {"name": "Late", **flaw}) for flaw in flaws]
    taken = [flaw for flaw, answer in zip(flaws, answers, strict=True) if answer.status_code != 422]

    assert taken == []
    assert {answer.json()["code"] for answer in answers} == {"invalid_request"}
    assert (await bench.get("/v1/views"))["items"] == []


async def test_views_and_keys(bench: Any):
    """A key that acts for nobody shares its views, and a key that only reads saves none (S1)."""
    key = await api_key(bench.platform)
    reader = await api_key(bench.platform, scopes={"tickets:read"})
    private = await bench.do("POST", "/v1/views", {"name": "x"}, **key)
    shared = await bench.do("POST", "/v1/views", {"name": "x", "shared": True}, **key)
    hidden = await bench.do("PATCH", f"/v1/views/{shared.json()['id']}", {"shared": False}, **key)
    unsaved = await bench.do("POST", "/v1/views", {"name": "x"}, **reader)
    unknown = await bench.do("GET", "/v1/tickets?view=nonsense")

    assert (private.status_code, private.json()["code"], shared.status_code) == (403, "agent_needed", 201)
    assert (hidden.status_code, unsaved.status_code, unknown.status_code) == (403, 403, 422)
