"""A mailbox while it is ours to read."""

import asyncio
from datetime import timedelta
from typing import Any

from ingest_email.imap.imap_watched import WatchedMailbox
from service_kit.clock import Clock
from service_kit.docstore import Collection, Fate
from service_kit.errors import TransientError

_ATTEMPTS = 8


class LeaseLost(TransientError):
    """Another replica reads this mailbox, nobody was to read it so long without a word, or it is gone."""


class Tenure:
    """The lease of one mailbox; every write of its document renews it."""

    def __init__(
        self, mailboxes: Collection[WatchedMailbox], held: WatchedMailbox, clock: Clock, lease: timedelta
    ) -> None:
        self._mailboxes = mailboxes
        self._held = held
        self._clock = clock
        self._lease = lease
        self._turn = asyncio.Lock()

    @property
    def mailbox(self) -> WatchedMailbox:
        """The document as we wrote it last."""
        return self._held

    @property
    def is_half_over(self) -> bool:
        """Whether it is time to renew the lease."""
        return self._clock.now() >= self._held.leased_until - self._lease / 2

    def check(self) -> None:
        """Make sure that it is ours still.

        Raises:
            LeaseLost: it may be another's by now.
        """
        if self._clock.now() >= self._held.leased_until:
            raise LeaseLost(self._held.id)

    async def note(self, **changes: Any) -> None:
        """Write what changed.

        Raises:
            LeaseLost: it is another's.
            Unavailable: the store does not answer.
        """
        async with self._turn:
            for _ in range(_ATTEMPTS):
                wanted = self._held.model_copy(update={"leased_until": self._clock.now() + self._lease, **changes})
                if await self._mailboxes.replace_many([wanted]) == [Fate.DONE]:
                    self._held = wanted.model_copy(update={"rev": wanted.rev + 1})
                    return
                await self._reload()
        raise LeaseLost(self._held.id)

    async def release(self, *, pause: timedelta = timedelta()) -> None:
        """Let anybody have it, after a pause.

        Raises:
            LeaseLost: it is another's already.
        """
        await self.note(holder=None, state="waiting", leased_until=self._clock.now() + pause)

    async def drop(self) -> bool:
        """Forget the mailbox; False where somebody has asked for it again meanwhile."""
        async with self._turn:
            return await self._mailboxes.delete_many([self._held]) == [Fate.DONE]

    async def _reload(self) -> None:
        """What is stored, where it is ours: settings may touch it, and a write of ours may have gone unconfirmed."""
        stored = await self._mailboxes.get(self._held.id)
        if stored is None or stored.holder != self._held.holder:
            raise LeaseLost(self._held.id)
        self._held = stored
