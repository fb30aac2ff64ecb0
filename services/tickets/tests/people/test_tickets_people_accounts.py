import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.directories import AgentDirectory
from contracts.settings import AccountSettings
from service_kit.auth.credentials import Credentials, hash_token
from service_kit.problem import Problem
from service_kit.settings_area import SettingsArea
from tickets.people.account_workflow import NewAccount
from tickets.people.accounts import Account, with_owner, without_owner
from tickets.people_app import create_account


async def test_a_new_account_has_an_owner_a_key_and_its_areas(people: Any) -> None:
    """An account begins with an owner who may do everything, and with the areas that tickets owns."""
    settings = await people.parts.account_settings.get(people.account.account_id)
    owner = await people.parts.agents.get(people.account.account_id, people.account.agent_id)
    me = await people.http.get("/v1/agents/me")

    assert settings == AccountSettings(name="Acme")
    assert owner is not None
    assert (owner.name, owner.role, owner.active) == ("Oscar", "owner", True)
    assert me.json()["id"] == people.account.agent_id


async def test_the_command_creates_accounts_on_a_running_platform(people: Any) -> None:
    """`deskbus account create` works beside the service that runs in the same process."""
    wanted = NewAccount(name="Other", owner_name="Olga", email="olga@other.example", password="a long password")
    created = await create_account(people.platform, wanted)

    assert (await people.ask(created.api_key, "GET", "/v1/agents/me")).json()["name"] == "Olga"
    assert (await people.sign_in("olga@other.example", "a long password")).status_code == 201


async def test_an_account_that_never_got_its_support_address_is_finished_by_creating_it_again(people: Any) -> None:
    """A typing error in the support address leaves nothing behind that would be in the way of the next attempt."""
    wanted = NewAccount(name="Other", owner_name="Olga", email="olga@other.example", password="a long password")
    first = await create_account(people.platform, wanted)
    again = await create_account(people.platform, wanted)
    await people.parts.account_settings.patch(again.account_id, {"support_email": "help@other.example"})
    with pytest.raises(Problem) as refused:
        await create_account(people.platform, wanted)

    assert again.account_id == first.account_id
    assert refused.value.code == "email_taken"


async def test_the_beginning_of_an_account_is_in_its_log(people: Any) -> None:
    """However often its creation was repeated, the log begins with one entry, by nobody of the account (S3)."""
    await people.create_account(account_id="acc_demo")
    again = await people.create_account(account_id="acc_demo")
    answer = await people.ask(again.api_key, "GET", "/v1/audit?action=account.created")
    (entry,) = answer.json()["items"]

    assert (entry["target_id"], entry["actor"]["kind"]) == ("acc_demo", "system")
    assert entry["details"] == {"owner_id": again.agent_id}


async def test_an_account_with_an_address_in_use_is_refused(people: Any) -> None:
    """Login is by e-mail alone, so an address serves one agent over all accounts, in any spelling."""
    with pytest.raises(Problem) as refused:
        await people.create_account(email=" OSCAR@acme.example ")

    assert (refused.value.status, refused.value.code) == (409, "email_taken")


async def test_a_creation_repeated_under_one_id_ends_in_one_account(people: Any) -> None:
    """A caller who lost the answer asks again: the last password and the last key work, the earlier ones do not."""
    first = await people.create_account(account_id="acc_demo", password="the first password")
    again = await people.create_account(account_id="acc_demo", password="the second password")

    assert (again.account_id, again.agent_id) == (first.account_id, first.agent_id)
    assert (await people.ask(first.api_key, "GET", "/v1/agents/me")).status_code == 401
    assert (await people.ask(again.api_key, "GET", "/v1/agents/me")).status_code == 200
    assert (await people.sign_in("olga@other.example", "the first password")).status_code == 401
    assert (await people.sign_in("olga@other.example", "the second password")).status_code == 201


async def test_an_id_is_not_given_to_another_owner(people: Any) -> None:
    """An account's id cannot be used to take the account over."""
    await people.create_account(account_id="acc_demo")
    with pytest.raises(Problem) as refused:
        await people.create_account(account_id="acc_demo", email="thief@other.example")

    assert refused.value.code == "account_exists"


async def test_a_start_finishes_what_a_crash_left_undone(people: Any) -> None:
    """Areas, directory and live credentials are rebuilt from the store by every start."""
    agent = await people.add_agent()
    token = await people.token("ann@acme.example")
    await people.platform.redis.flushall()
    area = SettingsArea(people.platform, "agents", AgentDirectory)
    await area.replace(people.account.account_id, AgentDirectory())

    for prepare in people.parts.prepare:
        await prepare()

    assert set((await area.get(people.account.account_id)).agents) == {people.account.agent_id, agent["id"]}
    assert (await people.ask(token, "GET", "/v1/agents/me")).json()["id"] == agent["id"]
    assert (await people.http.get("/v1/agents/me")).status_code == 200


async def test_a_rebuild_does_not_resurrect_what_was_ended(people: Any) -> None:
    """Revoked keys and ended sessions stay out, even if Redis had kept them through a crash."""
    await people.add_agent()
    token = await people.token("ann@acme.example")
    credentials = Credentials(people.platform.redis, people.clock)
    principal = await credentials.find(token)
    assert principal is not None
    await people.ask(token, "DELETE", "/v1/sessions/current")
    await credentials.put(hash_token(token), principal, expires_at=None)

    for prepare in people.parts.prepare:
        await prepare()

    assert (await people.ask(token, "GET", "/v1/agents/me")).status_code == 401


def test_the_last_owner_stays() -> None:
    """An account is never left without an owner."""
    created_at = datetime(2026, 1, 1, tzinfo=UTC)
    account = Account(id="acc", name="A", zone="UTC", language="en", owner_ids=("one",), created_at=created_at)

    assert without_owner(account, "one") is None
    assert without_owner(with_owner(account, "two"), "one") == account.model_copy(update={"owner_ids": ("two",)})


async def test_of_two_creations_with_one_address_at_once_one_wins(people: Any) -> None:
    """The unique index decides, not the look before it."""
    outcomes = await asyncio.gather(people.create_account(), people.create_account(), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Problem)]

    assert [problem.code for problem in refused] == ["email_taken"]
    assert (await people.sign_in("olga@other.example")).status_code == 201
