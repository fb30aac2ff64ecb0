"""Tickets that tell their story in events, and reporting on real engines."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import httpx
import pytest
import pytest_asyncio

from contracts.directories import ScheduleDirectory
from contracts.people import Actor, Channel
from contracts.settings import AccountSettings, AssignmentSettings, SettingsChanged
from contracts.tickets import (
    TicketAssigned,
    TicketClosed,
    TicketCreated,
    TicketEvent,
    TicketFacts,
    TicketMessageAdded,
    TicketReopened,
    TicketTagsChanged,
    TicketUnassigned,
)
from reporting.app import create_service
from reporting.cycles import CYCLES, cycle_id
from reporting.traffic import TRAFFIC, is_traffic, traffic_id
from service_kit.auth import Principal
from service_kit.auth.credentials import Credentials, hash_token
from service_kit.docstore import CollectionSpec, Eq
from service_kit.platform import Platform
from service_kit.testing.eventually import eventually
from service_kit.testing.manual_clock import ManualClock

E = TypeVar("E", bound=TicketEvent)

SYSTEM = Actor(kind="system")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass
class TicketStory:
    """One ticket; each method tells what happens next, and `events` is everything so far."""

    id: str = "tic_1"
    account_id: str = "acc"
    channel: Channel = "email"
    events: list[TicketEvent] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def created(self, at: datetime) -> "TicketStory":
        """The customer's first message."""
        self.facts = {"status": "open", "cycle": 1, "created_at": at, "cycle_opened_at": at}
        self._say(TicketCreated, at)
        return self.inbound(at)

    def inbound(self, at: datetime) -> "TicketStory":
        """The customer writes."""
        return self._message(at, "inbound", Actor(kind="customer"))

    def reply(self, at: datetime, agent: str = "ann") -> "TicketStory":
        """An agent answers."""
        return self._message(at, "outbound", Actor(kind="agent", id=agent))

    def machine_reply(self, at: datetime) -> "TicketStory":
        """A service answers with an API key."""
        return self._message(at, "outbound", Actor(kind="service", id="key_1"))

    def automatic(self, at: datetime) -> "TicketStory":
        """Deskbus answers by itself."""
        return self._message(at, "system", Actor(kind="system"), automatic=True)

    def note(self, at: datetime) -> "TicketStory":
        """An agent writes to colleagues."""
        return self._message(at, "note", Actor(kind="agent", id="ann"))

    def assigned(
        self, at: datetime, agent: str | None = None, team: str | None = None, *, decision: str | None = None
    ) -> "TicketStory":
        """The ticket goes to somebody, automatically if there is a decision."""
        self.facts |= {"assignee_id": agent, "team_id": team}
        return self._say(TicketAssigned, at, decision_id=decision)

    def unassigned(self, at: datetime, cause: str) -> "TicketStory":
        """The ticket is taken from whoever has it."""
        previous = self.facts.get("assignee_id")
        self.facts |= {"assignee_id": None}
        return self._say(TicketUnassigned, at, cause=cause, previous_assignee_id=previous)

    def tagged(self, at: datetime, *tags: str) -> "TicketStory":
        """The ticket has other tags."""
        self.facts |= {"tags": tags}
        return self._say(TicketTagsChanged, at)

    def closed(self, at: datetime) -> "TicketStory":
        """The ticket is closed."""
        self.facts |= {"status": "closed"}
        return self._say(TicketClosed, at)

    def merged(self, at: datetime, into: str) -> "TicketStory":
        """The ticket becomes part of another one, and is closed by that."""
        self.facts |= {"status": "closed", "merged_into": into}
        return self._say(TicketClosed, at, cause="merge")

    def reopened(self, at: datetime) -> "TicketStory":
        """The customer comes back."""
        self.facts |= {"status": "open", "cycle": self.facts["cycle"] + 1, "cycle_opened_at": at}
        self._say(TicketReopened, at)
        return self.inbound(at)

    def _message(self, at: datetime, kind: str, actor: Actor, *, automatic: bool = False) -> "TicketStory":
        number = len(self.events) + 1
        return self._say(
            TicketMessageAdded,
            at,
            actor=actor,
            message_id=f"{self.id}-{number}",
            message_seq=number,
            kind=kind,
            automatic=automatic,
        )

    def _say(
        self, event: type[E], at: datetime, *, actor: Actor = SYSTEM, cause: str = "test", **more: Any
    ) -> "TicketStory":
        seq = len(self.events) + 1
        facts = TicketFacts(
            id=self.id,
            number=1,
            channel=self.channel,
            contact_id="con_1",
            assignment_epoch=1,
            version=seq,
            **self.facts,
        )
        self.events.append(
            event(
                id=f"{self.id}-{seq}",
                account_id=self.account_id,
                time=at,
                ticket_id=self.id,
                seq=seq,
                actor=actor,
                cause=cause,
                ticket=facts,
                **more,
            )
        )
        return self


@pytest.fixture(scope="session")
def story() -> type[TicketStory]:
    """Makes tickets that tell their story."""
    return TicketStory


@dataclass(frozen=True, slots=True)
class ReportingBench:
    """Reporting, and a publisher in the place of all other services."""

    http: httpx.AsyncClient
    platform: Platform
    publisher: Platform
    clock: ManualClock

    async def publish_settings(self, zone: str = "Europe/Paris", **hours: Any) -> None:
        """The settings of the account, as their owners publish them first."""
        shapes = {
            "account": AccountSettings(zone=zone),
            "assignment": AssignmentSettings(
                schedule_id=hours.get("schedule_id"), reports_schedule_id=hours.get("reports_schedule_id")
            ),
            "schedules": hours.get("schedules", ScheduleDirectory()),
        }
        await self.publisher.bus.publish(
            [
                SettingsChanged(
                    id=f"set-{area}",
                    account_id="acc",
                    time=datetime(2026, 1, 1, tzinfo=UTC),
                    area=area,
                    version=1,
                    value=value.model_dump(mode="json"),
                )
                for area, value in shapes.items()
            ]
        )

    async def tell(self, *stories: TicketStory) -> None:
        """Publish stories and wait until all of it is archived and counted."""
        await self.publisher.bus.publish([event for one in stories for event in one.events])
        for one in stories:
            await eventually(partial(self._is_counted, one.events))

    async def stored(self, spec: CollectionSpec[Any]) -> Sequence[Any]:
        """What a collection holds of the account, without how often it was written."""
        page = await self.platform.store.collection(spec).find(Eq("account_id", "acc"), limit=1000)
        return [document.model_copy(update={"rev": 0}) for document in page.items]

    async def report(self, name: str, **asked: str) -> dict[str, Any]:
        """A report as JSON."""
        answer = await self.http.get(f"/v1/reports/{name}", params=asked)
        assert answer.status_code == httpx.codes.OK, answer.text
        return dict(answer.json())

    async def _is_counted(self, events: Sequence[TicketEvent]) -> bool:
        last, said = events[-1], [event for event in events if is_traffic(event)][-1]
        cycle = await self.platform.store.collection(CYCLES).get(cycle_id(last))
        traffic = await self.platform.store.collection(TRAFFIC).get(traffic_id(said))
        is_told = traffic is not None and traffic.last_seq >= said.seq
        return cycle is not None and cycle.last_seq >= last.seq and is_told


@pytest_asyncio.fixture
async def reporting(
    make_platform: Callable[..., Platform], running: Callable[..., AbstractAsyncContextManager[None]]
) -> AsyncIterator[ReportingBench]:
    """Reporting, asked by a support agent of the account `acc`."""
    clock = ManualClock(NOW)
    platform, publisher = make_platform("reporting", clock=clock), make_platform("tickets", clock=clock)
    service = create_service(platform)
    async with running(service):
        await publisher.bus.start()
        principal = Principal("acc", "agent", "agt_1", "support", frozenset({"*"}), "ses_1")
        await Credentials(platform.redis, clock).put(hash_token("token"), principal, expires_at=None)
        transport = httpx.ASGITransport(app=service.api)
        headers = {"Authorization": "Bearer token"}
        async with httpx.AsyncClient(transport=transport, base_url="http://reporting", headers=headers) as http:
            yield ReportingBench(http, platform, publisher, clock)
        await publisher.bus.stop()
