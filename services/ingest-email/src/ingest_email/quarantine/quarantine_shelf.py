"""Quarantined mail as the command `deskbus quarantine` sees it: listed, read, delivered once more (I6)."""

from collections.abc import Sequence

from contracts.mail import MailAccepted
from ingest_email.quarantine.quarantine import Quarantine, QuarantinedMail
from service_kit.blobs import BlobMissing
from service_kit.platform import Platform
from service_kit.quarantine import (
    KeptAside,
    NotSetAsideError,
    QuarantineQuery,
    ReplayRefusedError,
    replay_entry,
    replay_id,
)


class MailShelf:
    """The quarantine beside a running ingest-email, which parses what is replayed like any other mail."""

    def __init__(self, platform: Platform, quarantine: Quarantine) -> None:
        self._quarantine = quarantine
        self._blobs = platform.blobs
        self._bus = platform.bus
        self._clock = platform.clock

    async def page(
        self, query: QuarantineQuery, *, limit: int, cursor: str | None
    ) -> tuple[Sequence[KeptAside], str | None]:
        """What is set aside, oldest first, and the cursor of the next page."""
        page = await self._quarantine.page(query, limit=limit, cursor=cursor)
        return [_shown(kept) for kept in page.items], page.next_cursor

    async def find(self, kept_id: str) -> KeptAside | None:
        """One delivery."""
        kept = await self._quarantine.find(kept_id)
        return _shown(kept) if kept else None

    async def raw(self, kept_id: str) -> bytes:
        """The mail as it came.

        Raises:
            ReplayRefusedError: it is gone.
        """
        return await self._content(await self._kept(kept_id))

    async def replay(self, kept_id: str, *, trusted: bool) -> None:
        """Announce it once more, as when it was accepted; mail through our door has no signature to trust.

        Raises:
            ReplayRefusedError: its bytes are gone; nothing was changed.
            Unavailable: an engine did not confirm; the replay may be repeated.
        """
        kept = await self._kept(kept_id)
        # Of a mail without bytes the reader could only make a dead letter.
        await self._content(kept)
        number, now = kept.replays + 1, self._clock.now()
        again = MailAccepted(
            id=replay_id(kept, number),
            account_id=kept.account_id,
            time=now,
            recipient=kept.recipient or kept.mailbox,
            envelope_sender=kept.envelope_sender,
            envelope_sender_key=kept.envelope_sender.lower() or "<>",
            via=kept.via,
            peer=kept.peer,
            raw_blob_key=kept.blob_key,
            size=kept.size,
            received_at=kept.received_at,
            message_id=kept.message_id,
        )
        await self._bus.publish([again, replay_entry(kept, number, now, service="ingest-email", trusted=trusted)])
        await self._quarantine.note_replay(kept.id, number, now)

    async def _kept(self, kept_id: str) -> QuarantinedMail:
        kept = await self._quarantine.find(kept_id)
        if kept is None:
            raise NotSetAsideError(kept_id)
        return kept

    async def _content(self, kept: QuarantinedMail) -> bytes:
        try:
            return await self._blobs.get(kept.blob_key)
        except BlobMissing as error:
            raise ReplayRefusedError(f"the bytes of {kept.id} are gone: its sender was forgotten or purged") from error


def _shown(kept: QuarantinedMail) -> KeptAside:
    return KeptAside(
        id=kept.id,
        account_id=kept.account_id,
        channel="email",
        mailbox=kept.mailbox,
        source=kept.source,
        reason=kept.reason,
        size=kept.size,
        received_at=kept.received_at,
        replays=kept.replays,
        is_waiting=kept.replayed_at is None,
    )
