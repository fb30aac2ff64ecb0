import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from contracts.directories import TeamDirectory, TeamEntry
from contracts.envelope import Event
from contracts.settings import ChatSettings, SettingsChanged, SmsSettings
from service_kit.audit import AUDIT_INTENTS
from service_kit.bus import BusUnavailable, DeadLetter, Subscription
from service_kit.http import Problem, create_api
from service_kit.http.idempotency_records import IDEMPOTENCY_KEYS
from service_kit.platform import Platform
from service_kit.settings_area import SettingsArea
from service_kit.testing.callers import http_client, sign_in
from service_kit.testing.platforms import PlatformFactory


@dataclass
class RecordingBus:
    """A bus that remembers what it took, and can be down."""

    published: list[SettingsChanged] = field(default_factory=list)
    is_down: bool = False

    async def publish(self, events: Sequence[Event]) -> None:
        """Take events, unless down."""
        if self.is_down:
            raise BusUnavailable("down")
        self.published.extend(event for event in events if isinstance(event, SettingsChanged))

    def subscribe(self, subscription: Subscription) -> None:
        """Nothing is delivered."""

    async def start(self) -> None:
        """Nothing to start."""

    async def stop_consuming(self) -> None:
        """Nothing to stop."""

    async def stop(self) -> None:
        """Nothing to stop."""

    async def ping(self) -> None:
        """Always there."""

    async def dead_letters(self, *_: Any, **__: Any) -> Sequence[DeadLetter]:
        """None."""
        return ()

    async def replay(self, *_: Any, **__: Any) -> int:
        """None."""
        return 0


TWILIO = {"numbers": {"+12025550123": {"account_sid": "AC1", "auth_tokens": ["hush-1", "hush-2"]}}}


@pytest.fixture
def bus() -> RecordingBus:
    """What was published."""
    return RecordingBus()


@pytest.fixture
async def platform(make_platform: PlatformFactory, bus: RecordingBus) -> Platform:
    """A real store beside the recording bus."""
    return replace(make_platform("ingest-sms"), bus=bus)


@pytest.fixture
async def area(platform: Platform) -> AsyncIterator[SettingsArea[SmsSettings]]:
    """The SMS settings, of which account `acc_1` has some."""
    area = SettingsArea(platform, "sms", SmsSettings)
    platform.store.collection(IDEMPOTENCY_KEYS)
    platform.store.collection(AUDIT_INTENTS)
    await platform.store.start()
    await area.ensure("acc_1")
    yield area
    await platform.store.stop()


@pytest.fixture
async def http(platform: Platform, area: SettingsArea[SmsSettings]) -> AsyncIterator[httpx.AsyncClient]:
    """An admin's client of the area."""
    api = create_api(platform, service="ingest-sms", title="Tests", routers=[area.router()])
    async with http_client(api, headers=await sign_in(platform)) as client:
        yield client


async def test_an_account_begins_with_the_defaults(area: SettingsArea[SmsSettings], bus: RecordingBus):
    """`ensure` stores and publishes the defaults once, however often it is called."""
    for _ in range(3):
        await area.ensure("acc_1")

    assert await area.get("acc_1") == SmsSettings()
    assert [(event.account_id, event.area, event.version) for event in bus.published] == [("acc_1", "sms", 1)]


async def test_an_unknown_account_is_not_found(area: SettingsArea[SmsSettings]):
    """What belongs to nobody known is 404, for reading and writing."""
    for ask in (area.get("acc_9"), area.patch("acc_9", {})):
        with pytest.raises(Problem) as refused:
            await ask
        assert refused.value.status == 404


async def test_a_patch_is_published_whole_before_it_returns(area: SettingsArea[SmsSettings], bus: RecordingBus):
    """Every service hears the outcome of a patch, all of it, under a higher version."""
    after = await area.patch("acc_1", {"signature_mode": "observe"})
    event = bus.published[-1]

    assert after == SmsSettings(signature_mode="observe")
    assert (event.version, event.value["signature_mode"], event.value["attribution_hours"]) == (2, "observe", 24)
    assert event.key == "acc_1/sms"


async def test_versions_tell_whose_settings_changed(area: SettingsArea[SmsSettings]):
    """Cheap to ask for many accounts at once; an unknown one has none."""
    before = await area.versions(["acc_1", "acc_9"])
    await area.patch("acc_1", {"signature_mode": "observe"})

    assert before == {"acc_1": 1}
    assert await area.versions(["acc_1"]) == {"acc_1": 2}


async def test_secrets_are_encrypted_at_rest_and_on_the_bus(
    area: SettingsArea[SmsSettings], bus: RecordingBus, platform: Platform
):
    """Neither the record of the bus nor the stored document holds a secret in the clear; the owner reads it."""
    await area.patch("acc_1", TWILIO)
    stored = await area._stored.get("acc_1")

    assert stored is not None
    assert "hush" not in stored.model_dump_json()
    assert b"hush" not in bus.published[-1].payload()
    assert (await area.get("acc_1")).numbers["+12025550123"].auth_tokens == ("hush-1", "hush-2")


async def test_a_patch_without_the_secret_keeps_it(area: SettingsArea[SmsSettings]):
    """Lists of things with secrets are maps, so that changing one thing leaves the secrets of all."""
    await area.patch("acc_1", TWILIO)
    await area.patch("acc_1", {"numbers": {"+12025550123": {"account_sid": "AC2"}, "+12025550199": {}}})
    numbers = (await area.get("acc_1")).numbers

    assert numbers["+12025550123"].account_sid == "AC2"
    assert numbers["+12025550123"].auth_tokens == ("hush-1", "hush-2")
    assert "+12025550199" in numbers


async def test_null_brings_the_default_back(area: SettingsArea[SmsSettings]):
    """RFC 7396: null removes, and what is removed is the default again."""
    await area.patch("acc_1", {**TWILIO, "attribution_hours": 48})
    after = await area.patch("acc_1", {"attribution_hours": None, "numbers": {"+12025550123": None}})

    assert after == SmsSettings()


@pytest.mark.parametrize(
    "patch",
    [
        {"unknown": 1},
        {"numbers": {"+12025550123": {"auth_token": "x"}}},
        {"attribution_hours": 0},
        {"numbers": [1]},
        {"numbers": {"+12025550123": {"auth_tokens": [""]}}},
    ],
    ids=repr,
)
async def test_what_does_not_fit_changes_nothing(
    area: SettingsArea[SmsSettings], bus: RecordingBus, patch: dict[str, Any]
):
    """Unknown fields and impossible values are 422, and nothing is stored or published."""
    with pytest.raises(Problem) as refused:
        await area.patch("acc_1", patch)

    assert (refused.value.status, refused.value.code) == (422, "invalid_request")
    assert await area.get("acc_1") == SmsSettings()
    assert len(bus.published) == 1


async def test_an_area_has_a_size(area: SettingsArea[SmsSettings]):
    """Patches cannot pile up more than one record of the bus can carry (S4)."""
    keywords = {f"WORD{number}": {"text": "x" * 1600} for number in range(200)}
    long_names = {
        f"+1{number:010}": {"account_sid": "y" * 100, "auth_tokens": ["z" * 4096] * 5} for number in range(20)
    }

    with pytest.raises(Problem) as refused:
        await area.patch("acc_1", {"keywords": keywords, "numbers": long_names})
    assert refused.value.code == "settings_too_large"


async def test_when_the_bus_is_down_the_same_patch_heals_it(area: SettingsArea[SmsSettings], bus: RecordingBus):
    """A patch stored but not published is a failure to its caller; sent again it changes nothing and is published."""
    bus.is_down = True
    with pytest.raises(BusUnavailable):
        await area.patch("acc_1", {"attribution_hours": 48})
    bus.is_down = False
    after = await area.patch("acc_1", {"attribution_hours": 48})

    assert after.attribution_hours == 48
    assert [(event.version, event.value["attribution_hours"]) for event in bus.published] == [(1, 24), (2, 48)]


@pytest.mark.parametrize("heal", ["ensure", "republish"])
async def test_a_crash_before_the_publish_is_healed(area: SettingsArea[SmsSettings], bus: RecordingBus, heal: str):
    """What a crash left unpublished is published on start, and whenever the account is heard of again."""
    bus.is_down = True
    with pytest.raises(BusUnavailable):
        await area.patch("acc_1", {"attribution_hours": 48})
    bus.is_down = False
    await (area.republish() if heal == "republish" else area.ensure("acc_1"))
    again = len(bus.published)
    await area.ensure("acc_1")

    assert bus.published[-1].value["attribution_hours"] == 48
    assert len(bus.published) == again


async def test_republishing_repeats_the_same_events(area: SettingsArea[SmsSettings], bus: RecordingBus):
    """A republished version is the same event, so that readers drop it."""
    await area.ensure("acc_2")
    before = list(bus.published)
    await area.republish()

    assert bus.published[len(before) :] == sorted(before, key=lambda event: event.account_id)


async def test_concurrent_patches_all_count(area: SettingsArea[SmsSettings], bus: RecordingBus):
    """Patches of different fields at the same moment are all kept: the highest version holds every one."""
    await asyncio.gather(
        area.patch("acc_1", {"attribution_hours": 48}),
        area.patch("acc_1", {"signature_mode": "observe"}),
        area.patch("acc_1", {"link_shortening": False}),
        area.patch("acc_1", TWILIO),
    )
    newest = max(bus.published, key=lambda event: event.version)

    assert newest.version == 5
    assert (newest.value["attribution_hours"], newest.value["signature_mode"]) == (48, "observe")
    assert (newest.value["link_shortening"], list(newest.value["numbers"])) == (False, ["+12025550123"])
    assert json.loads((await area._load("acc_1")).value) == newest.value


async def test_the_owner_may_refuse(platform: Platform, bus: RecordingBus):
    """`check` sees the account, before and after, and its problem stops the change."""
    seen: list[tuple[str, int, int]] = []

    async def check(account_id: str, before: ChatSettings, after: ChatSettings) -> None:
        seen.append((account_id, before.follow_up_after_seconds, after.follow_up_after_seconds))
        if after.follow_up_after_seconds > 100:
            raise Problem(409, "too_late", "No.")

    area = SettingsArea(platform, "chat", ChatSettings, check=check)
    await platform.store.start()
    await area.ensure("acc_1", ChatSettings(follow_up_after_seconds=50))
    await area.patch("acc_1", {"follow_up_after_seconds": 60})
    with pytest.raises(Problem):
        await area.patch("acc_1", {"follow_up_after_seconds": 600})
    kept = await area.get("acc_1")
    await platform.store.stop()

    assert seen == [("acc_1", 50, 60), ("acc_1", 60, 600)]
    assert kept.follow_up_after_seconds == 60
    assert [event.value["follow_up_after_seconds"] for event in bus.published] == [50, 60]


async def test_directories_are_replaced(platform: Platform, bus: RecordingBus):
    """`replace` puts a whole directory down, also for an account without one, and publishes only changes."""
    area = SettingsArea(platform, "teams", TeamDirectory)
    await platform.store.start()
    first = TeamDirectory(teams={"team_1": TeamEntry(id="team_1", name="All", is_default=True)})
    second = TeamDirectory(teams={**first.teams, "team_2": TeamEntry(id="team_2", name="VIP")})
    for directory in (first, first, second):
        await area.replace("acc_1", directory)
    everything = await area.all()
    await platform.store.stop()

    assert everything == {"acc_1": second}
    assert [(event.version, len(event.value["teams"])) for event in bus.published] == [(1, 1), (2, 2)]


async def test_settings_over_http_hide_secrets(http: httpx.AsyncClient):
    """A patch may set secrets; neither its answer nor a read shows them, and what is shown can be sent back."""
    patched = await http.patch("/v1/settings/sms", json=TWILIO)
    read = await http.get("/v1/settings/sms")
    sent_back = await http.patch("/v1/settings/sms", json=read.json())

    assert (patched.status_code, read.status_code, sent_back.status_code) == (200, 200, 200)
    assert read.json() == patched.json() == sent_back.json()
    assert read.json()["numbers"] == {"+12025550123": {"provider": "twilio", "account_sid": "AC1"}}
    assert "hush" not in patched.text + read.text


async def test_sending_back_what_was_read_keeps_the_secrets(http: httpx.AsyncClient, area: SettingsArea[SmsSettings]):
    """Read, edit, write: the secrets survive although nobody saw them."""
    await http.patch("/v1/settings/sms", json=TWILIO)
    shown = (await http.get("/v1/settings/sms")).json()
    await http.patch("/v1/settings/sms", json={**shown, "attribution_hours": 12})
    after = await area.get("acc_1")

    assert after.attribution_hours == 12
    assert after.numbers["+12025550123"].auth_tokens == ("hush-1", "hush-2")


async def test_a_refused_secret_is_not_quoted(http: httpx.AsyncClient):
    """The problem names the field and not its value (S3, S4)."""
    answer = await http.patch("/v1/settings/sms", json={"numbers": {"+12025550123": {"auth_tokens": ["hush" * 2000]}}})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["errors"][0]["field"] == "numbers.+12025550123.auth_tokens.0"
    assert "hush" not in answer.text


async def test_settings_are_for_admins_of_the_account(http: httpx.AsyncClient, platform: Platform):
    """Support reads and does not write; another account sees nothing of this one's (S1)."""
    support = await sign_in(platform, role="support")
    read = await http.get("/v1/settings/sms", headers=support)
    written = await http.patch("/v1/settings/sms", json={}, headers=support)
    foreign = await http.get("/v1/settings/sms", headers=await sign_in(platform, account_id="acc_2"))

    assert (read.status_code, written.status_code, foreign.status_code) == (200, 403, 404)


async def test_a_patch_is_an_object(http: httpx.AsyncClient):
    """Any other JSON is a 422."""
    answers = [await http.patch("/v1/settings/sms", json=patch) for patch in ([], "x", 1, None)]

    assert [answer.status_code for answer in answers] == [422] * 4


async def test_a_patch_that_cannot_be_published_says_so(http: httpx.AsyncClient, bus: RecordingBus):
    """While the bus is down a patch is 503: no service would hear of it."""
    bus.is_down = True
    answer = await http.patch("/v1/settings/sms", json={"attribution_hours": 12})

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_the_shape_is_documented_with_its_secrets_write_only(http: httpx.AsyncClient):
    """The OpenAPI document tells what an area holds, and what is never shown."""
    document = (await http.get("/openapi.json")).json()
    answer = document["paths"]["/v1/settings/sms"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    number = document["components"]["schemas"]["SmsNumber"]

    assert answer == {"$ref": "#/components/schemas/SmsSettings"}
    assert number["properties"]["auth_tokens"]["items"]["writeOnly"] is True
