"""One mailbox, read for as long as it is ours: look, take what is new, wait for news, begin again after failures."""

import asyncio
import hashlib
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import structlog

from contracts.imap import ImapMailbox
from ingest_email.errors import MailTooLarge
from ingest_email.imap.imap_access import ImapAccess
from ingest_email.imap.imap_cursor import FolderCursor, begun, followed, next_window, past, wanted
from ingest_email.imap.imap_dialler import ImapDialler
from ingest_email.imap.imap_failure import FailureCode, ImapFailure
from ingest_email.imap.imap_intake import ImapIntake, LeftBecause
from ingest_email.imap.imap_line import ImapLine
from ingest_email.imap.imap_patience import Patience
from ingest_email.imap.imap_pause import pause_seconds
from ingest_email.imap.imap_tenure import LeaseLost, Tenure
from ingest_email.imap.token_servers import TokenServers
from ingest_email.metrics import MailMetrics
from service_kit.clock import Clock
from service_kit.errors import TransientError
from service_kit.secret_box import SecretBox

_PAGE = 100
_BETWEEN_LOOKS_SECONDS = 0.05
_SHORTEST_WAIT_SECONDS = 0.2
"""A server that always has news, and never a mail, does not keep us busy."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ReaderParts:
    """What all readers share. At most so many larger mails are in memory at once as `large_mails` lets."""

    dialler: ImapDialler
    token_servers: TokenServers
    secrets: SecretBox
    intake: ImapIntake
    clock: Clock
    metrics: MailMetrics
    chance: random.Random
    large_mails: asyncio.Semaphore
    large_bytes: int
    mail_bytes: int
    poll_seconds: float
    idle_seconds: float


class ImapReader:
    """Reads one mailbox until it is cancelled or loses its lease. Nothing else ends it."""

    def __init__(self, tenure: Tenure, mailbox: ImapMailbox, parts: ReaderParts) -> None:
        self._tenure = tenure
        self._mailbox = mailbox
        self._parts = parts
        self._access = ImapAccess(tenure, mailbox, parts.token_servers, parts.secrets, parts.clock)
        self._source = _source(mailbox)
        self._failures = 0
        self._has_refused_idle = False
        self._patience = Patience()

    async def run(self) -> None:
        """Read.

        Raises:
            LeaseLost: another replica reads it.
        """
        while True:
            code = await self._failed()
            self._failures += 1
            self._parts.metrics.imap_failures.labels(code).inc()
            log.warning("mailbox_failed", mailbox_id=self._tenure.mailbox.id, code=code, failures=self._failures)
            await self._rest(code)

    async def _failed(self) -> FailureCode:
        """Read until that fails; why it did."""
        try:
            return await self._session()
        except LeaseLost:
            raise
        except ImapFailure as failure:
            return failure.code
        except TransientError as error:
            log.warning("mailbox_delayed", mailbox_id=self._tenure.mailbox.id, error=type(error).__name__)
            return "unavailable"
        except Exception:
            log.exception("mailbox_reader_failed", mailbox_id=self._tenure.mailbox.id)
            return "internal"

    async def _rest(self, code: FailureCode) -> None:
        try:
            await self._tenure.note(state="retrying", last_error=code)
        except LeaseLost:
            raise
        except TransientError as error:
            log.warning("mailbox_state_unsaved", mailbox_id=self._tenure.mailbox.id, error=type(error).__name__)
        await asyncio.sleep(pause_seconds(code, self._failures, self._parts.chance))

    async def _session(self) -> FailureCode:
        """One connection; it ends by raising, or by a mail that left it unusable."""
        await self._tenure.note(state="connecting")
        async with AsyncExitStack() as stack:
            line, tells = await self._logged_in(stack)
            while True:
                try:
                    while await self._look(line):
                        continue
                except MailTooLarge:
                    return "answer_too_large"
                seen_at = self._parts.clock.now()
                is_told = tells and not self._has_refused_idle
                state = "watching" if is_told else "polling"
                await self._tenure.note(state=state, last_error=None, last_seen_at=seen_at)
                await (self._idle(line) if is_told else asyncio.sleep(self._parts.poll_seconds))
                # Not before: a server that lets us in and ends every wait is knocked at more and more seldom.
                self._failures = 0

    async def _logged_in(self, stack: AsyncExitStack) -> tuple[ImapLine, bool]:
        """A line, and whether its server tells; where a token of before is refused, by a new one, once."""
        dialler, access = self._parts.dialler, self._access
        try:
            return await stack.enter_async_context(dialler.line(self._mailbox, await access.token()))
        except ImapFailure as failure:
            if failure.code != "login_refused" or not access.discard():
                raise
        return await stack.enter_async_context(dialler.line(self._mailbox, await access.token()))

    async def _idle(self, line: ImapLine) -> None:
        loop = asyncio.get_running_loop()
        earliest = loop.time() + _SHORTEST_WAIT_SECONDS
        try:
            await line.idle(self._parts.idle_seconds)
        except ImapFailure as failure:
            # Some servers have the capability and not the command.
            self._has_refused_idle = failure.code == "protocol_error"
            raise
        await asyncio.sleep(max(0, earliest - loop.time()))

    async def _look(self, line: ImapLine) -> bool:
        """Take what one window of UIDs holds; False when there is nothing more to ask for."""
        facts = await line.examine(self._mailbox.folder)
        now = self._parts.clock.now()
        known = self._tenure.mailbox.cursor
        if known is None:
            cursor = begun(facts, source=self._source, start_from=self._mailbox.start_from, now=now)
        else:
            cursor = followed(known, facts, source=self._source, now=now)
        if cursor != known:
            log.info("mailbox_begun", mailbox_id=self._tenure.mailbox.id, uid_validity=cursor.uid_validity)
            await self._tenure.note(cursor=cursor)
        window = next_window(cursor, facts)
        if window is None:
            return False
        uids = wanted(window, await line.search(window))
        for begin in range(0, len(uids), _PAGE):
            cursor = await self._take(line, cursor, uids[begin : begin + _PAGE])
        # What the window lacks was deleted: its UIDs are never given again.
        await self._tenure.note(cursor=past(cursor, window.last))
        await asyncio.sleep(_BETWEEN_LOOKS_SECONDS)
        return True

    async def _take(self, line: ImapLine, cursor: FolderCursor, uids: Sequence[int]) -> FolderCursor:
        """Take mails in their order; the cursor follows each once it is stored and announced, never before."""
        sizes = await line.sizes(uids)
        if len(sizes) < len(uids):
            self._parts.intake.miss(self._tenure.mailbox, len(uids) - len(sizes))
        for uid, size in sorted(sizes.items()):
            cursor = past(cursor, uid)
            if size > self._parts.mail_bytes:
                await self._leave(cursor, "too_large")
            else:
                await self._take_one(line, cursor, size)
                await self._tenure.note(state="reading", cursor=cursor)
                self._failures = 0
        return cursor

    async def _take_one(self, line: ImapLine, cursor: FolderCursor, size: int) -> None:
        if size <= self._parts.large_bytes:
            await self._fetch(line, cursor)
            return
        async with self._parts.large_mails:
            await self._fetch(line, cursor)

    async def _fetch(self, line: ImapLine, cursor: FolderCursor) -> None:
        try:
            content = await line.fetch(cursor.last_uid)
        except MailTooLarge:
            await self._leave(cursor, "too_large")
            raise
        except ImapFailure:
            if self._patience.is_over(cursor.last_uid):
                await self._leave(cursor, "not_handed_over")
            raise
        if not content:
            self._parts.intake.miss(self._tenure.mailbox, 1)
        elif len(content) > self._parts.mail_bytes:
            await self._leave(cursor, "too_large")
        else:
            self._tenure.check()
            await self._parts.intake.take(self._tenure.mailbox, self._mailbox, content)

    async def _leave(self, cursor: FolderCursor, reason: LeftBecause) -> None:
        """Say why a mail cannot be taken, and go on behind it."""
        await self._parts.intake.leave(self._tenure.mailbox, self._mailbox, cursor, reason)
        await self._tenure.note(cursor=cursor)


def _source(mailbox: ImapMailbox) -> str:
    """Tells one folder from another without saying whose it is."""
    parts = (mailbox.host.lower(), mailbox.username, mailbox.folder)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]
