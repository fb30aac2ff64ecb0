"""What ingest-email listens to: its own raw mail."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.mail import MailAccepted
from contracts.topics import INBOUND_MAIL_RAW
from ingest_email.workflow import MailWorkflow
from service_kit.bus import Bus, Subscription

GROUP = "ingest-email"


def subscribe(bus: Bus, workflow: MailWorkflow, *, max_records: int) -> None:
    """Declare this service's reader."""

    async def take_mail(events: Sequence[Event]) -> None:
        await workflow.take([event for event in events if isinstance(event, MailAccepted)])

    bus.subscribe(Subscription(INBOUND_MAIL_RAW, GROUP, take_mail, max_records=max_records))
