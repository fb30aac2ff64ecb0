"""A schedule is removed at the moment at which settings begin to name it (H1, W3)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest_asyncio

from contracts.directories import ScheduleDirectory
from contracts.settings import AssignmentSettings, ChatSettings, SettingsChanged
from router.directory_publisher import DirectoryPublisher
from router.schedules.schedule_store import ScheduleStore
from router.schedules.schedule_use import ScheduleUse
from router.schedules.schedule_workflow import ScheduleWorkflow, warn_of_schedules
from service_kit.platform import Platform
from service_kit.settings_area import SettingsArea
from service_kit.settings_copies import SettingsCopies
from service_kit.testing.eventually import eventually
from service_kit.testing.platforms import PlatformFactory

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Paused(ScheduleUse):
    """The real look at the settings, after which the removal waits until it may go on."""

    def __init__(self, assignment: SettingsArea[AssignmentSettings], copies: SettingsCopies) -> None:
        super().__init__(assignment, copies)
        self.has_looked, self.may_go = asyncio.Event(), asyncio.Event()

    async def following(self, account_id: str, schedule_id: str) -> Sequence[str]:
        """What the settings say now."""
        found = await super().following(account_id, schedule_id)
        self.has_looked.set()
        await self.may_go.wait()
        return found


@dataclass
class Schedules:
    """Schedules of one account, and the settings that may name them."""

    platform: Platform
    store: ScheduleStore
    assignment: SettingsArea[AssignmentSettings]
    copies: SettingsCopies
    use: Paused
    workflow: ScheduleWorkflow

    async def chat_follows(self, version: int, schedule_id: str | None) -> None:
        """The gateway of chats has published its settings, and they are known here."""
        value = ChatSettings(schedule_id=schedule_id).model_dump(mode="json")
        event = SettingsChanged(
            id=f"evt_{version}", account_id="acc", time=NOON, area="chat", version=version, value=value
        )
        await self.platform.bus.publish([event])

        async def is_known() -> bool:
            return (await self.copies.get("acc", "chat", ChatSettings, fresh=True)).schedule_id == schedule_id

        await eventually(is_known)


@pytest_asyncio.fixture
async def schedules(make_platform: PlatformFactory) -> AsyncIterator[Schedules]:
    """An account without schedules."""
    platform = make_platform("router")
    store = ScheduleStore(platform.store)
    assignment = SettingsArea(platform, "assignment", AssignmentSettings)
    directory = DirectoryPublisher(SettingsArea(platform, "schedules", ScheduleDirectory), store.directory)
    copies = SettingsCopies(platform, "router", areas=("chat",))
    use = Paused(assignment, copies)
    workflow = ScheduleWorkflow(store, directory, use, platform.clock)
    await platform.store.start()
    await platform.bus.start()
    await assignment.ensure("acc")
    yield Schedules(platform, store, assignment, copies, use, workflow)
    await platform.bus.stop()
    await platform.store.stop()


async def test_a_removal_that_looked_before_chat_named_the_schedule_succeeds(schedules: Schedules) -> None:
    """Nobody may be kept waiting across services: the removal is done, and says so to everybody in the directory."""
    await schedules.chat_follows(1, None)
    made = await schedules.workflow.create("acc", {"name": "Office", "zone": "Europe/Paris"})
    removing = asyncio.create_task(schedules.workflow.remove("acc", made.id))
    await schedules.use.has_looked.wait()
    await schedules.chat_follows(2, made.id)
    schedules.use.may_go.set()
    await removing
    following = await schedules.use.following("acc", made.id)

    assert await schedules.store.find("acc", made.id) is None
    assert (await schedules.store.directory("acc")).schedules == {}
    assert following == ["chat.schedule_id"]


async def test_assignment_settings_tell_of_a_schedule_that_vanished_while_it_was_named(schedules: Schedules) -> None:
    """The router's own settings are written beside the schedules, not with them: who reads them is warned too."""
    await schedules.chat_follows(1, None)
    schedules.use.may_go.set()
    made = await schedules.workflow.create("acc", {"name": "Office", "zone": "Europe/Paris"})
    named = AssignmentSettings(reports_schedule_id=made.id)
    before = await warn_of_schedules(schedules.store, "acc", named)
    await schedules.workflow.remove("acc", made.id)
    after = await warn_of_schedules(schedules.store, "acc", named)

    assert before == []
    assert [(one.field, one.code) for one in after] == [("reports_schedule_id", "unknown_schedule")]
