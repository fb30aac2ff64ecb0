"""Keeps every mailbox of the settings read by one replica: claims what is free, follows settings, renews leases."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import get_args

import structlog

from contracts.imap import ImapMailbox
from contracts.settings import EmailSettings
from ingest_email.imap.imap_reader import ImapReader
from ingest_email.imap.imap_roster import ImapRoster
from ingest_email.imap.imap_tenure import LeaseLost, Tenure
from ingest_email.imap.imap_watched import MailboxState
from ingest_email.metrics import MailMetrics
from service_kit.clock import Clock
from service_kit.errors import TransientError
from service_kit.problem import Problem
from service_kit.settings_area import SettingsArea
from service_kit.worker import PeriodicWorker

_EVERY_SECONDS = 1.0
_UNKNOWN_FOR = timedelta(minutes=1)
"""Longer than any write of settings takes: a mailbox that none name after that is what a failure left."""
_ASK_AGAIN = timedelta(seconds=1)

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Reading:
    """A mailbox that is read here, by which version of the settings."""

    tenure: Tenure
    mailbox: ImapMailbox
    version: int
    task: asyncio.Task[None]


class ImapWatch:
    """The readers of one replica: a door, because what they take in must be stored before the service stops."""

    def __init__(
        self,
        roster: ImapRoster,
        area: SettingsArea[EmailSettings],
        read: Callable[[Tenure, ImapMailbox], ImapReader],
        clock: Clock,
        metrics: MailMetrics,
        *,
        lease: timedelta,
        mailboxes_max: int,
    ) -> None:
        self._roster = roster
        self._area = area
        self._read = read
        self._clock = clock
        self._metrics = metrics
        self._lease = lease
        self._mailboxes_max = mailboxes_max
        self._readings: dict[str, _Reading] = {}
        self._worker = PeriodicWorker("imap", _EVERY_SECONDS, self._look_after)

    async def adopt(self) -> None:
        """Find every mailbox that settings name; before anything is read."""
        await self._roster.adopt(await self._area.all())

    async def start(self) -> None:
        """Begin to read."""
        await self._worker.start()

    async def stop(self) -> None:
        """End every reader, and let other replicas have the mailboxes at once."""
        await self._worker.stop()
        readings = [*self._readings.values()]
        self._readings.clear()
        await asyncio.gather(*(self._end(reading) for reading in readings))
        await asyncio.gather(*(_given_back(reading.tenure) for reading in readings))

    async def _look_after(self) -> None:
        await self._bury()
        await self._renew()
        await self._follow_settings()
        await self._claim()
        self._measure()

    async def _bury(self) -> None:
        """Let go of readers that ended, which they do only when another replica reads their mailbox."""
        for mailbox_id, reading in [*self._readings.items()]:
            if reading.task.done():
                del self._readings[mailbox_id]
                await self._end(reading)

    async def _renew(self) -> None:
        waning = [reading for reading in self._readings.values() if reading.tenure.is_half_over]
        for outcome in await asyncio.gather(*(one.tenure.note() for one in waning), return_exceptions=True):
            # Its reader finds out before it takes anything more.
            if isinstance(outcome, BaseException) and not isinstance(outcome, LeaseLost):
                raise outcome

    async def _follow_settings(self) -> None:
        """Begin anew what is to be read otherwise, and stop what is not to be read any more."""
        accounts = {one.tenure.mailbox.account_id for one in self._readings.values()}
        if not accounts:
            return
        versions = await self._area.versions(accounts)
        for mailbox_id, reading in [*self._readings.items()]:
            watched = reading.tenure.mailbox
            version = versions.get(watched.account_id, 0)
            if version == reading.version:
                continue
            mailbox = await self._mailbox(watched.account_id, watched.name)
            reading.version = version
            if mailbox == reading.mailbox:
                continue
            del self._readings[mailbox_id]
            await self._end(reading)
            if mailbox is None:
                await self._forget(reading.tenure)
            else:
                self._begin(reading.tenure, mailbox, version)

    async def _claim(self) -> None:
        room = self._mailboxes_max - len(self._readings)
        if room <= 0:
            return
        claimed = await self._roster.claim(lease=self._lease, room=room, but=[*self._readings])
        versions = await self._area.versions({one.mailbox.account_id for one in claimed}) if claimed else {}
        for tenure in claimed:
            watched = tenure.mailbox
            mailbox = await self._mailbox(watched.account_id, watched.name)
            if mailbox is not None:
                self._begin(tenure, mailbox, versions.get(watched.account_id, 0))
            elif self._clock.now() - watched.wanted_at > _UNKNOWN_FOR:
                await self._forget(tenure)
            else:
                await _given_back(tenure, pause=_ASK_AGAIN)

    async def _mailbox(self, account_id: str, name: str) -> ImapMailbox | None:
        try:
            settings = await self._area.get(account_id)
        except Problem:
            return None  # the account is not known here (yet)
        return settings.imap.get(name)

    def _begin(self, tenure: Tenure, mailbox: ImapMailbox, version: int) -> None:
        task = asyncio.create_task(self._read(tenure, mailbox).run(), name=f"imap {tenure.mailbox.id}")
        self._readings[tenure.mailbox.id] = _Reading(tenure, mailbox, version, task)

    async def _end(self, reading: _Reading) -> None:
        reading.task.cancel()
        await asyncio.wait([reading.task])
        if not reading.task.cancelled() and reading.task.exception() is not None:
            log.info("mailbox_lost", mailbox_id=reading.tenure.mailbox.id)

    async def _forget(self, tenure: Tenure) -> None:
        """Nobody names it any more, unless somebody has just asked for it again."""
        if not await tenure.drop():
            await _given_back(tenure)

    def _measure(self) -> None:
        mailboxes = [one.tenure.mailbox for one in self._readings.values()]
        states = Counter(one.state for one in mailboxes)
        for state in get_args(MailboxState):
            self._metrics.imap_mailboxes.labels(state).set(states[state])
        now = self._clock.now()
        ages = [(now - (one.last_seen_at or one.wanted_at)).total_seconds() for one in mailboxes]
        self._metrics.imap_unseen.set(max(ages, default=0))


async def _given_back(tenure: Tenure, *, pause: timedelta = timedelta()) -> None:
    try:
        await tenure.release(pause=pause)
    except TransientError as error:
        # Its lease runs out by itself.
        log.warning("mailbox_not_released", mailbox_id=tenure.mailbox.id, error=type(error).__name__)
