import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.settings import AccountSettings, Area, SettingsChanged, SmsSettings, TicketSettings
from service_kit.http import create_api
from service_kit.platform import Platform
from service_kit.service import Service
from service_kit.settings_area import SettingsArea
from service_kit.settings_codec import SettingsCodec
from service_kit.settings_copies import SettingsCopies, SettingsMissing, newest
from service_kit.testing.eventually import eventually
from service_kit.testing.platforms import PlatformFactory

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TWILIO = {"numbers": {"+12025550123": {"account_sid": "AC1", "auth_tokens": ["hush-1"]}}}


def changed(
    version: int, value: dict[str, Any] | None = None, *, account_id: str = "acc_1", area: Area = "sms"
) -> SettingsChanged:
    """An owner's event."""
    return SettingsChanged(
        id=f"evt_{account_id}_{area}_{version}",
        account_id=account_id,
        time=NOON,
        area=area,
        version=version,
        value=value or {"attribution_hours": version},
    )


def service_of(platform: Platform, name: str, *prepare: Any) -> tuple[Service, Platform]:
    """A service around what the test declared."""
    api = create_api(platform, service=name, title="Tests", routers=[])
    return Service(name=name, api=api, prefixes=(), prepare=prepare), platform


@given(st.lists(st.tuples(st.sampled_from(["acc_1", "acc_2"]), st.integers(1, 9)), max_size=12))
def test_of_many_events_the_highest_version_counts(versions: list[tuple[str, int]]):
    """Whatever the order of arrival, each account is left with its highest version."""
    copies = newest(changed(version, account_id=account_id) for account_id, version in versions)
    expected = {account_id: max(v for a, v in versions if a == account_id) for account_id, _ in versions}

    assert {copy.account_id: copy.version for copy in copies.values()} == expected


async def test_copies_keep_the_highest_version(make_platform: PlatformFactory):
    """Old and repeated events change nothing (at-least-once delivery)."""
    platform = make_platform("notifier")
    copies = SettingsCopies(platform, "notifier", areas=["sms"])
    await platform.store.start()
    for version in (2, 3, 1, 3, 2):
        await copies.keep([changed(version)])
    kept = await copies.get("acc_1", "sms", SmsSettings)
    listed = await copies.all("sms", SmsSettings)
    await platform.store.stop()

    assert kept.attribution_hours == 3
    assert listed == {"acc_1": kept}


async def test_two_replicas_of_a_reader_do_not_undo_each_other(make_platform: PlatformFactory):
    """Versions taken by two replicas in any interleaving leave the highest in their common store."""
    platforms = [make_platform("notifier"), make_platform("notifier")]
    replicas = [SettingsCopies(platform, "notifier", areas=["sms"]) for platform in platforms]
    for platform in platforms:
        await platform.store.start()

    async def consume(replica: SettingsCopies, versions: Sequence[int]) -> None:
        for version in versions:  # a subscription handles one batch after the other
            await replica.keep([changed(version)])

    await asyncio.gather(consume(replicas[0], [1, 4, 5, 20, 2]), consume(replicas[1], [3, 2, 6, 19, 20, 7]))
    stored = [await replica._copies.get("acc_1/sms") for replica in replicas]
    for platform in platforms:
        await platform.store.stop()

    assert [copy.version if copy else None for copy in stored] == [20, 20]


@pytest.mark.parametrize("ask", ["get", "all"])
async def test_a_replica_that_heard_nothing_is_at_most_a_second_old(make_platform: PlatformFactory, ask: str):
    """What another replica's subscription took is seen here when the cached copy has run out."""
    platforms = [make_platform("notifier"), make_platform("notifier")]
    hearing, idle = (SettingsCopies(platform, "notifier", areas=["sms"]) for platform in platforms)
    for platform in platforms:
        await platform.store.start()

    async def hours() -> int:
        listed = await idle.all("sms", SmsSettings) if ask == "all" else {}
        return (listed.get("acc_1") or await idle.get("acc_1", "sms", SmsSettings)).attribution_hours

    async def is_seen() -> bool:
        return await hours() == 2

    await hearing.keep([changed(1)])
    before = await hours()
    await hearing.keep([changed(2)])
    at_once = await hearing.get("acc_1", "sms", SmsSettings)
    await eventually(is_seen, seconds=2)
    for platform in platforms:
        await platform.store.stop()

    assert (before, at_once.attribution_hours) == (1, 2)


async def test_who_must_know_at_once_may_ask_the_store(make_platform: PlatformFactory):
    """`fresh` sees what another replica stored a moment ago, though a cached copy is not a second old."""
    platforms = [make_platform("router"), make_platform("router")]
    hearing, idle = (SettingsCopies(platform, "router", areas=["sms"]) for platform in platforms)
    for platform in platforms:
        await platform.store.start()
    await hearing.keep([changed(1)])
    before = await idle.get("acc_1", "sms", SmsSettings)
    await hearing.keep([changed(2)])
    after = await idle.get("acc_1", "sms", SmsSettings, fresh=True)
    for platform in platforms:
        await platform.store.stop()

    assert (before.attribution_hours, after.attribution_hours) == (1, 2)


async def test_whoever_follows_changes_hears_all_of_them(make_platform: PlatformFactory):
    """`on_change` gets every event of every area, after the copies are kept."""
    heard: list[tuple[str, int]] = []
    platform = make_platform("reporting")

    async def follow(changes: Sequence[SettingsChanged]) -> None:
        assert await copies._copies.get("acc_1/tickets") is not None
        heard.extend((change.area, change.version) for change in changes)

    copies = SettingsCopies(platform, "reporting", areas=["tickets"], on_change=[follow])
    await platform.store.start()
    await copies.keep([changed(1, {}, area="tickets"), changed(4), changed(1, {}, area="tickets")])
    await platform.store.stop()

    assert heard == [("tickets", 1), ("sms", 4), ("tickets", 1)]


async def test_without_a_copy_the_reader_waits_for_it(make_platform: PlatformFactory):
    """Who asks before the first copy arrived gets it when it does, and never a guess."""
    platform = make_platform("notifier")
    copies = SettingsCopies(platform, "notifier", areas=["sms"])
    await platform.store.start()
    asking = [asyncio.create_task(copies.get("acc_1", "sms", SmsSettings)) for _ in range(3)]
    await eventually(lambda: copies._arrived._waiters)
    await copies.keep([changed(7)])
    for _ in range(20):  # turns of the loop, not time: whoever waited was woken and needs no other look
        await asyncio.sleep(0)
    answers = [task.result() for task in asking]
    await platform.store.stop()

    assert [answer.attribution_hours for answer in answers] == [7, 7, 7]


async def test_a_copy_that_never_arrives_is_a_transient_failure(
    make_platform: PlatformFactory, monkeypatch: pytest.MonkeyPatch
):
    """An account nobody published is `SettingsMissing` after the wait: the bus tries again, a route says 503."""
    monkeypatch.setattr("service_kit.settings_copies._FIRST_COPY_SECONDS", 0.2)
    platform = make_platform("notifier")
    copies = SettingsCopies(platform, "notifier", areas=["sms"])
    await platform.store.start()
    with pytest.raises(SettingsMissing):
        await copies.get("acc_9", "sms", SmsSettings)
    listed = await copies.all("sms", SmsSettings)
    await platform.store.stop()

    assert listed == {}


async def test_areas_that_were_not_asked_for(make_platform: PlatformFactory):
    """A service keeps no secrets it does not need, and asking for what it does not keep is a mistake."""
    platform = make_platform("notifier")
    copies = SettingsCopies(platform, "notifier", areas=["tickets"])
    await platform.store.start()
    await copies.keep([changed(1, area="sms"), changed(1, {}, area="tickets")])
    kept = await copies._copies.get_many(["acc_1/sms", "acc_1/tickets"])
    with pytest.raises(ValueError, match="sms"):
        await copies.get("acc_1", "sms", SmsSettings)
    await platform.store.stop()

    assert list(kept) == ["acc_1/tickets"]


async def test_accounts_are_announced_to_owners(make_platform: PlatformFactory):
    """`on_account` hears each account once a batch, after the copy is kept, and again on redelivery if it failed."""
    heard: list[tuple[str, str]] = []
    platform = make_platform("router")

    async def react(account_id: str) -> None:
        name = (await copies.get(account_id, "account", AccountSettings)).name
        heard.append((account_id, name))
        if len(heard) == 1:
            raise SettingsMissing("not now")

    copies = SettingsCopies(platform, "router", areas=["account"], on_account=[react])
    await platform.store.start()
    batch = [changed(version, {"name": f"v{version}"}, area="account") for version in (1, 2)]
    with pytest.raises(SettingsMissing):
        await copies.keep(batch)
    await copies.keep(batch)
    await platform.store.stop()

    assert heard == [("acc_1", "v2"), ("acc_1", "v2")]


def test_owners_must_listen_to_accounts(make_platform: PlatformFactory):
    """`on_account` without the area that triggers it could never be called: refused."""

    async def react(account_id: str) -> None:
        raise AssertionError(account_id)

    with pytest.raises(ValueError, match="account"):
        SettingsCopies(make_platform("router"), "router", areas=["sms"], on_account=[react])


async def test_settings_travel_over_the_real_bus(make_platform: PlatformFactory):
    """A patch reaches another service's copy, secrets and all; owners hear of a new account and give it settings."""
    owner, reader, accounts = (make_platform(name) for name in ("ingest-sms", "notifier", "tickets"))
    account_area = SettingsArea(accounts, "account", AccountSettings)
    ticket_area = SettingsArea(accounts, "tickets", TicketSettings)
    sms_area = SettingsArea(owner, "sms", SmsSettings)
    SettingsCopies(owner, "ingest-sms", areas=["account"], on_account=[sms_area.ensure])
    copies = SettingsCopies(reader, "notifier", areas=["account", "sms"])
    services = [
        service_of(accounts, "tickets", account_area.republish, ticket_area.republish),
        service_of(owner, "ingest-sms", sms_area.republish),
        service_of(reader, "notifier"),
    ]
    async with make_platform.running(*services):
        await account_area.ensure("acc_1", AccountSettings(name="Acme"))
        defaults = await copies.get("acc_1", "sms", SmsSettings)
        await sms_area.patch("acc_1", TWILIO)

        async def arrived() -> bool:
            return bool((await copies.get("acc_1", "sms", SmsSettings)).numbers)

        await eventually(arrived)
        sms = await copies.get("acc_1", "sms", SmsSettings)
        account = await copies.get("acc_1", "account", AccountSettings)

    assert defaults == SmsSettings()
    assert sms == SmsSettings.model_validate(TWILIO)
    assert account.name == "Acme"


async def test_a_copy_is_sealed_at_rest(make_platform: PlatformFactory):
    """The reader's store holds ciphertext as well."""
    platform = make_platform("notifier")
    copies = SettingsCopies(platform, "notifier", areas=["sms"])
    await platform.store.start()
    sealed = SettingsCodec(SmsSettings, platform.secrets).seal(SmsSettings.model_validate(TWILIO))
    await copies.keep([changed(1, sealed)])
    stored = await copies._copies.get("acc_1/sms")
    settings = await copies.get("acc_1", "sms", SmsSettings)
    await platform.store.stop()

    assert stored is not None
    assert "hush" not in stored.value
    assert settings.numbers["+12025550123"].auth_tokens == ("hush-1",)
