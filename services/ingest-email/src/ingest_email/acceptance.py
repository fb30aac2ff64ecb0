"""Taking a mail in: stored raw, announced on the bus, and only then anybody's to acknowledge (X0, I3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from opentelemetry.trace import SpanKind

from contracts.ids import new_id
from contracts.mail import MailAccepted
from ingest_email.blob_keys import mail_key
from service_kit.crash_points import crash_point
from service_kit.platform import Platform
from service_kit.tracing import work_span

Via = Literal["smtp", "mailgun", "sendgrid", "postmark", "imap"]

_NULL_PATH_KEY = "<>"


@dataclass(frozen=True, slots=True)
class Target:
    """One account's address that a mail is for, as it was addressed (with its tag)."""

    account_id: str
    recipient: str


@dataclass(frozen=True, slots=True)
class OfferedMail:
    """A mail that somebody wants to hand over. `envelope_sender` is empty for bounces."""

    content: bytes
    envelope_sender: str
    targets: Sequence[Target]
    via: Via
    peer: str | None


class Acceptance:
    """Stores and announces; whoever calls it may acknowledge when it returns, and must not when it raises."""

    def __init__(self, platform: Platform) -> None:
        self._admission = platform.admission
        self._blobs = platform.blobs
        self._bus = platform.bus
        self._clock = platform.clock

    async def accept(self, mail: OfferedMail) -> Sequence[str]:
        """The ids of the deliveries, one for each target.

        Raises:
            Unavailable: there is no room, or the blob store or the bus did not confirm.
        """
        with work_span("accept mail", kind=SpanKind.SERVER, attributes={"deskbus.via": mail.via}):
            return await self._store_and_announce(mail)

    async def _store_and_announce(self, mail: OfferedMail) -> Sequence[str]:
        self._admission.check()
        accounts = sorted({target.account_id for target in mail.targets})
        keys = {account_id: await mail_key(account_id, mail.content, mail.envelope_sender) for account_id in accounts}
        for key in keys.values():
            await self._blobs.put(key, mail.content)
        crash_point("ingest_email.stored")
        events = [self._event(mail, target, keys[target.account_id]) for target in mail.targets]
        await self._bus.publish(events)
        crash_point("ingest_email.announced")
        return [event.id for event in events]

    def _event(self, mail: OfferedMail, target: Target, blob_key: str) -> MailAccepted:
        now = self._clock.now()
        return MailAccepted(
            id=new_id("dlv"),
            account_id=target.account_id,
            time=now,
            recipient=target.recipient,
            envelope_sender=mail.envelope_sender,
            envelope_sender_key=mail.envelope_sender.lower() or _NULL_PATH_KEY,
            via=mail.via,
            peer=mail.peer,
            raw_blob_key=blob_key,
            size=len(mail.content),
            received_at=now,
        )
