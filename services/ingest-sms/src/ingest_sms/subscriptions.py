"""What ingest-sms listens to."""

from collections.abc import Sequence

from contracts.campaigns import CampaignMessageSent
from contracts.contacts import ContactChanged
from contracts.envelope import Event
from contracts.topics import CAMPAIGN_MESSAGES, CONTACTS
from ingest_sms.workflow import SmsWorkflow
from service_kit.bus import Bus, Subscription

GROUP = "ingest-sms"

_REST_SECONDS = 0.2
"""What the rest of the desk learns of a contact may come a little later; what is said here counts at once."""


def subscribe(bus: Bus, workflow: SmsWorkflow) -> None:
    """Declare this service's readers."""

    async def remember_campaigns(events: Sequence[Event]) -> None:
        await workflow.remember_campaigns([event for event in events if isinstance(event, CampaignMessageSent)])

    async def remember_consents(events: Sequence[Event]) -> None:
        await workflow.remember_consents([event for event in events if isinstance(event, ContactChanged)])

    bus.subscribe(Subscription(CAMPAIGN_MESSAGES, GROUP, remember_campaigns))
    bus.subscribe(Subscription(CONTACTS, GROUP, remember_consents, rest_seconds=_REST_SECONDS))
