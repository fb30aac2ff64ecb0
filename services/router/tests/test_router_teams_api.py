"""Teams over HTTP: the default one, limits, and what others are told."""

from typing import Any

from service_kit.testing.eventually import eventually


async def test_an_account_begins_with_one_team_of_everybody(world: Any) -> None:
    """One default team, made once, with every agent as its member."""
    await world.account("acc", "ann")
    await world.settings("acc", "account", {"name": "Acme"})

    teams = await world.made("GET", "/v1/teams", "acc")

    (everyone,) = teams["items"]
    assert everyone["is_default"]
    assert everyone["member_ids"] == ["acc-ann", "acc-owner"]


async def test_teams_are_made_changed_and_removed(world: Any) -> None:
    """What is left out of a change stays; a removed team is gone."""
    await world.account("acc", "ann")
    given = {"name": "Billing", "member_ids": ["acc-ann"], "tags": ["invoice", "invoice", " "], "rank": 5}
    made = await world.made("POST", "/v1/teams", "acc", json=given)

    changed = await world.made("PATCH", f"/v1/teams/{made['id']}", "acc", json={"segments": ["gold"]})
    read = await world.made("GET", f"/v1/teams/{made['id']}", "acc")
    await world.made("DELETE", f"/v1/teams/{made['id']}", "acc")
    gone = await world.call("GET", f"/v1/teams/{made['id']}", "acc", "owner")

    assert made["tags"] == ["invoice"]
    assert changed == read
    assert (read["name"], read["rank"], read["segments"]) == ("Billing", 5, ["gold"])
    assert gone.status_code == 404


async def test_lists_come_in_pages(world: Any) -> None:
    """Teams, schedules and agents at work are handed out page by page, each once, in the order of the whole list."""
    await world.account("acc", "ann", "bob")
    for number in range(3):
        await world.made("POST", "/v1/teams", "acc", json={"name": f"Team {number}", "rank": 9 - number})
        await world.made("POST", "/v1/schedules", "acc", json={"name": f"Hours {number}", "zone": "UTC"})
    for path in ("/v1/teams", "/v1/schedules", "/v1/availability"):
        whole = await world.made("GET", path, "acc")
        paged: list[dict[str, Any]] = []
        cursor = ""
        while cursor is not None:
            page = await world.made("GET", f"{path}?limit=2" + (f"&cursor={cursor}" if cursor else ""), "acc")
            paged += page["items"]
            cursor = page["next_cursor"]
        tampered = await world.call("GET", f"{path}?cursor=bm9uZQ", "acc", "owner")

        assert paged == whole["items"]
        assert len(paged) >= 3
        assert (whole["next_cursor"], tampered.status_code) == (None, 400)


async def test_others_are_told_of_every_team(world: Any) -> None:
    """The directory is published whole after each change, the default team in it."""
    await world.account("acc", "ann")
    ((everyone),) = (await world.made("GET", "/v1/teams", "acc"))["items"]

    made = await world.made("POST", "/v1/teams", "acc", json={"name": "Billing", "member_ids": ["acc-ann"]})
    await eventually(lambda: made["id"] in world.area("acc", "teams").get("teams", {}))
    told = world.area("acc", "teams")["teams"]
    await world.made("DELETE", f"/v1/teams/{made['id']}", "acc")
    await eventually(lambda: made["id"] not in world.area("acc", "teams")["teams"])

    assert told[made["id"]] == {
        "id": made["id"],
        "name": "Billing",
        "member_ids": ["acc-ann"],
        "is_default": False,
    }
    assert told[everyone["id"]]["is_default"]


async def test_the_default_team_stays(world: Any) -> None:
    """It can be renamed, not removed, and nothing can be routed to it."""
    await world.account("acc")
    ((everyone),) = (await world.made("GET", "/v1/teams", "acc"))["items"]
    path = f"/v1/teams/{everyone['id']}"

    renamed = await world.made("PATCH", path, "acc", json={"name": "All of us"})
    removed = await world.call("DELETE", path, "acc", "owner")
    routed = await world.call("PATCH", path, "acc", "owner", json={"tags": ["vip"]})

    assert renamed["name"] == "All of us"
    assert (removed.status_code, removed.json()["code"]) == (409, "default_team")
    assert (routed.status_code, routed.json()["code"]) == (409, "default_team")


async def test_members_are_agents_of_the_account(world: Any) -> None:
    """An agent of another account is unknown here; one who joined a moment ago is not."""
    await world.account("acc")
    await world.account("other", "eve")

    stranger = await world.call("POST", "/v1/teams", "acc", "owner", json={"name": "T", "member_ids": ["other-eve"]})
    await world.agents("acc", "owner", "new")
    joined = await world.made("POST", "/v1/teams", "acc", json={"name": "T", "member_ids": ["acc-new"]})

    assert (stranger.status_code, stranger.json()["code"]) == (422, "unknown_agent")
    assert stranger.json()["unknown"] == ["other-eve"]
    assert joined["member_ids"] == ["acc-new"]


async def test_what_does_not_fit_is_refused(world: Any) -> None:
    """Limits on every input (S4)."""
    await world.account("acc")
    unfit: list[dict[str, Any]] = [
        {},
        {"name": ""},
        {"name": " "},
        {"name": "T", "rank": -1},
        {"name": "T", "tags": ["x" * 101]},
        {"name": "T", "member_ids": ["a"] * 2_001},
        {"name": "T", "colour": "red"},
    ]

    answers = [await world.call("POST", "/v1/teams", "acc", "owner", json=given) for given in unfit]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(422, "invalid_request")] * len(
        unfit
    )


async def test_only_those_who_may_manage_teams_change_them(world: Any) -> None:
    """Support reads teams and changes none (S1)."""
    await world.account("acc", "ann")

    reading = await world.call("GET", "/v1/teams", "acc", "ann")
    writing = await world.call("POST", "/v1/teams", "acc", "ann", json={"name": "Mine"})

    assert reading.status_code == 200
    assert writing.status_code == 403
