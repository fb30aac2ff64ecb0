"""What the SMTP door decides: whom mail may be for, and how each outcome is said."""

from typing import Any

import structlog
from aiosmtpd.proxy_protocol import ProxyData
from aiosmtpd.smtp import Session

from ingest_email.acceptance import Acceptance, OfferedMail, Target
from ingest_email.address_book import AddressBook
from ingest_email.errors import MailTooLarge, MemoryFull
from ingest_email.metrics import MailMetrics
from ingest_email.smtp import smtp_answers as answers
from ingest_email.smtp.networks import site_of
from ingest_email.smtp.pace import Pace
from ingest_email.smtp.smtp_session import MailEnvelope, MailSession
from service_kit.admission import Admission, StorageFull
from service_kit.clock import Clock
from service_kit.errors import DeskbusError

_NULL_PATH = "<>"
_TAKES_ORIGIN = "250-XFORWARD ADDR"

log = structlog.get_logger(__name__)


class SmtpHandler:
    """The hooks that aiosmtpd calls; one handler serves all connections."""

    def __init__(
        self,
        acceptance: Acceptance,
        addresses: AddressBook,
        admission: Admission,
        metrics: MailMetrics,
        clock: Clock,
        *,
        recipients_max: int,
        mails_per_minute: int,
    ) -> None:
        self._acceptance = acceptance
        self._addresses = addresses
        self._admission = admission
        self._metrics = metrics
        self._clock = clock
        self._recipients_max = recipients_max
        self._pace = Pace(mails_per_minute)

    async def handle_PROXY(  # noqa: N802 - the library finds hooks by these names
        self, server: MailSession, _session: Any, _envelope: Any, proxy: ProxyData
    ) -> bool:
        """Believe a load balancer for whom it connects; the session asks for it of those that are trusted only."""
        return await server.introduce(str(proxy.src_addr) if proxy.src_addr else None)

    async def handle_EHLO(  # noqa: N802 - see above
        self, server: MailSession, session: Session, _envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        """Say what is offered. The library names AUTH on encrypted connections, though it has no way to do it here."""
        session.host_name = hostname
        *offered, last = (line for line in responses if not line.startswith("250-AUTH"))
        return [*offered, *(() if server.is_stranger else (_TAKES_ORIGIN,)), last]

    async def handle_MAIL(  # noqa: N802 - see above
        self, server: MailSession, _session: Any, envelope: MailEnvelope, address: str, options: list[str]
    ) -> str:
        """Refuse early while there is no room, or too much at once: it saves the sender the upload."""
        if server.is_stranger and not self._pace.take(site_of(server.peer), self._clock.now()):
            self._metrics.deliveries.labels("too_fast").inc()
            return answers.TOO_FAST
        self._admission.check()
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return answers.SENDER_OK

    async def handle_RCPT(  # noqa: N802 - see above
        self, _server: Any, _session: Any, envelope: MailEnvelope, address: str, options: list[str]
    ) -> str:
        """Take recipients that are somebody's support address."""
        if len(envelope.rcpt_tos) >= self._recipients_max:
            return answers.TOO_MANY_RECIPIENTS
        recipient = _readable(address).lower()
        inbox = await self._addresses.find(recipient)
        if inbox is None:
            self._metrics.deliveries.labels("unknown_recipient").inc()
            return answers.UNKNOWN_RECIPIENT
        envelope.rcpt_tos.append(recipient)
        envelope.rcpt_options.extend(options)
        key = (inbox.account_id, inbox.address)
        if key not in envelope.targets or inbox.tag is not None:
            envelope.targets[key] = Target(inbox.account_id, recipient)
        return answers.RECIPIENT_OK

    async def take(self, envelope: MailEnvelope, content: bytes, peer: str) -> str:
        """Acknowledge what is stored and announced, and nothing else (I3)."""
        sender = _readable(envelope.mail_from or _NULL_PATH)
        mail = OfferedMail(
            content=content,
            envelope_sender="" if sender == _NULL_PATH else sender,
            targets=tuple(envelope.targets.values()),
            via="smtp",
            peer=peer,
        )
        deliveries = await self._acceptance.accept(mail)
        self._metrics.deliveries.labels("accepted").inc()
        log.info("mail_accepted", delivery_ids=list(deliveries), size=len(content))
        more = f" and {len(deliveries) - 1} more" if len(deliveries) > 1 else ""
        return f"{answers.ACCEPTED} {deliveries[0]}{more}"

    async def handle_exception(self, error: Exception) -> str:
        """The answer to a mail that was not taken; whatever went wrong here, the sender keeps it and tries again."""
        outcome, answer = _refusal(error)
        self._metrics.deliveries.labels(outcome).inc()
        level = log.warning if isinstance(error, DeskbusError) else log.error
        level("mail_not_accepted", outcome=outcome, error=type(error).__name__)
        return answer


def _refusal(error: Exception) -> tuple[str, str]:
    """What to count and what to say."""
    match error:
        case MailTooLarge(limit_bytes=limit):
            return "too_large", answers.TOO_LARGE.format(limit=limit)
        case StorageFull() | MemoryFull():
            return "no_room", answers.STORAGE_FULL
        case _:
            return "unavailable", answers.UNAVAILABLE


def _readable(address: str) -> str:
    """An address whose bytes were not UTF-8 is kept, with replacement characters: no event could hold it as it is."""
    return address.encode(errors="surrogateescape").decode(errors="replace")
