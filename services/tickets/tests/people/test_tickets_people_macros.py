from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tickets.macros import VARIABLES, check_variables


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


@given(st.lists(st.one_of(st.sampled_from(sorted(VARIABLES)).map("{{{{ {} }}}}".format), st.text("ab .\n"))))
def test_known_variables_pass_wherever_they_stand(parts: list[str]) -> None:
    """What is accepted is kept as it is."""
    text = "".join(parts)

    assert check_variables(text) == text


def test_single_braces_are_plain_text() -> None:
    """Only double braces mean anything."""
    assert check_variables("{ contact.nmae } }{") == "{ contact.nmae } }{"
