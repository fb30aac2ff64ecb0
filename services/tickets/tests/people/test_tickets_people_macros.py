from datetime import timedelta
from typing import Any

from tickets.macros.macro_variables import VARIABLES


async def test_macros_are_kept_changed_and_removed(people: Any) -> None:
    """The whole life of a macro (N2)."""
    text = "Hello {{ contact.name }}, about {{ticket.number}}: {{ agent.name }}"
    made = (await people.http.post("/v1/macros", json={"name": "Greeting", "text": text, "category": "Basics"})).json()
    people.clock.advance(timedelta(hours=1))
    path = f"/v1/macros/{made['id']}"
    changed = (await people.http.patch(path, json={"name": "Welcome", "category": None})).json()
    shown = (await people.http.get(path)).json()
    removed = await people.http.delete(path)

    assert (made["name"], made["text"], made["category"]) == ("Greeting", text, "Basics")
    assert shown == changed
    assert (shown["name"], shown["text"], shown["category"]) == ("Welcome", text, None)
    assert (shown["created_at"], shown["updated_at"]) == ("2026-11-21T12:00:00Z", "2026-11-21T13:00:00Z")
    assert removed.status_code == 204
    assert [(await people.http.request(method, path)).status_code for method in ("GET", "DELETE")] == [404, 404]


async def test_macros_are_listed_by_name(people: Any) -> None:
    """Upper and lower case are sorted together, and a renamed macro finds its new place."""
    ids = {}
    for name in ("beta", "Alpha", "gamma"):
        ids[name] = (await people.http.post("/v1/macros", json={"name": name, "text": "…"})).json()["id"]
    await people.http.patch(f"/v1/macros/{ids['gamma']}", json={"name": "Able"})
    first = (await people.http.get("/v1/macros", params={"limit": 2})).json()
    second = (await people.http.get("/v1/macros", params={"limit": 2, "cursor": first["next_cursor"]})).json()

    assert [macro["name"] for macro in first["items"] + second["items"]] == ["Able", "Alpha", "beta"]


async def test_macros_of_another_account_are_not_found(people: Any) -> None:
    """Nothing crosses accounts."""
    other = await people.create_account()
    macro = (await people.ask(other.api_key, "POST", "/v1/macros", json={"name": "n", "text": "t"})).json()
    path = f"/v1/macros/{macro['id']}"
    answers = [
        await people.http.get(path),
        await people.http.patch(path, json={"name": "Mine"}),
        await people.http.delete(path),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert (await people.http.get("/v1/macros")).json()["items"] == []


async def test_macros_that_would_fail_later_are_refused_now(people: Any) -> None:
    """An unknown variable is an error when the macro is written, not a hole in front of a customer (N2)."""
    flaws: list[dict[str, Any]] = [
        {"text": "{{ contact.nmae }}"},
        {"text": "{{ contact.__class__ }}"},
        {"text": "{{ contact.name"},
        {"text": "contact.name }}"},
        {"text": "{{ {{ contact.name }} }}"},
        {"text": ""},
        {"text": "x" * 20_001},
        {"name": None},
        {"surprise": 1},
    ]
    kept = (await people.http.post("/v1/macros", json={"name": "n", "text": "t"})).json()
    made = [await people.http.post("/v1/macros", json={"name": "n", "text": "t", **flaw}) for flaw in flaws]
    changed = [await people.http.patch(f"/v1/macros/{kept['id']}", json=flaw) for flaw in flaws]
    taken = [flaw for flaw, *answers in zip(flaws, made, changed, strict=True) if any(a.is_success for a in answers)]

    assert taken == []
    assert {(one.status_code, one.json()["code"]) for one in (*made, *changed)} == {(422, "invalid_request")}


async def test_a_macro_keeps_its_html_and_actions(people: Any) -> None:
    """HTML and actions are kept, replaced whole, and removed; nothing is counted by changing a macro (N2)."""
    actions = {"add_tags": ["refund"], "status": "snooze", "snooze": "tomorrow", "assignee": "me", "priority": "high"}
    new = {"name": "n", "text": "t", "html": "<b>{{ contact.name }}</b>", "actions": actions}
    made = (await people.http.post("/v1/macros", json=new)).json()
    path = f"/v1/macros/{made['id']}"
    changed = (await people.http.patch(path, json={"html": None, "actions": {"status": "close"}})).json()
    refused = [
        await people.http.patch(path, json={"actions": None}),
        await people.http.patch(path, json={"html": "{{ contact.nmae }}"}),
        await people.http.post("/v1/macros", json={**new, "actions": {"status": "snooze"}}),
        await people.http.post("/v1/macros", json={**new, "html": "{% for x in y %}{% endfor %}"}),
    ]
    nothing = {"add_tags": [], "remove_tags": [], "status": None, "snooze": None, "assignee": None, "priority": None}

    assert (made["html"], made["actions"]) == ("<b>{{ contact.name }}</b>", {**nothing, **actions})
    assert (changed["html"], changed["actions"]) == (None, {**nothing, "status": "close"})
    assert (changed["times_used"], changed["last_used_at"]) == (0, None)
    assert {(one.status_code, one.json()["code"]) for one in refused} == {(422, "invalid_request")}


async def test_a_refusal_names_what_is_wrong(people: Any) -> None:
    """Whoever writes a macro reads which variable, filter or tag there is not, and which there are (N2)."""
    flaws = {"{{ contact.nmae }}": "contact.nmae", "{{ contact.name | shout }}": "shout", "{% for x in y %}": "for"}
    answers = {
        named: (await people.http.post("/v1/macros", json={"name": "n", "text": text})).json()
        for text, named in flaws.items()
    }

    assert all(answer["errors"][0]["field"] == "body.text" for answer in answers.values())
    assert all(f"'{named}'; known are" in answer["errors"][0]["message"] for named, answer in answers.items())


async def test_macros_by_category(people: Any) -> None:
    """A list may be of one category, and the categories in use are listed once each, page by page (N2)."""
    for name, category in (("a", "Orders"), ("b", "Basics"), ("c", "Orders"), ("d", None), ("e", "Basics \u00e9")):
        await people.http.post("/v1/macros", json={"name": name, "text": "t", "category": category})
    orders = (await people.http.get("/v1/macros", params={"category": "Orders"})).json()["items"]
    first = (await people.http.get("/v1/macros/categories", params={"limit": 2})).json()
    rest = (await people.http.get("/v1/macros/categories", params={"limit": 2, "cursor": first["next_cursor"]})).json()

    assert [macro["name"] for macro in orders] == ["a", "c"]
    assert [one["name"] for one in first["items"]] == ["Basics", "Basics \u00e9"]
    assert ([one["name"] for one in rest["items"]], rest["next_cursor"]) == (["Orders"], None)


async def test_the_variables_are_published(people: Any) -> None:
    """The same table stands in the answer for composers and in the OpenAPI document (N2)."""
    listed = (await people.http.get("/v1/macros/variables")).json()["items"]
    described = (await people.http.get("/openapi.json")).json()["components"]["schemas"]["NewMacro"]["properties"][
        "text"
    ]

    assert {one["name"]: one["meaning"] for one in listed} == dict(VARIABLES)
    assert all(f"`{name}`" in described["description"] for name in VARIABLES)
