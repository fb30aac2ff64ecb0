"""What ingest-sms keeps: whose number is whose, what is known of senders, and what was set aside."""

from contracts.envelope import UtcDatetime
from ingest_sms.attribution import Sends
from service_kit.docstore import Document
from service_kit.quarantine import SetAside


class OwnedNumber(Document):
    """Somebody's word that a number is theirs; its id is the number in E.164, so that it has one owner at a time.

    The settings of the account are the truth: a claim that they do not hold counts for nothing once it is old, or was
    let go (`claimed_at` None).
    """

    account_id: str
    claimed_at: UtcDatetime | None = None


class Correspondent(Document):
    """A phone number that campaigns or consent are known of; its id derives from account and number."""

    account_id: str
    phone: str
    sends: Sends = ()


class NumberConsentCopy(Document):
    """Consent of one number as tickets last published it, by the version of its contact.

    Merging contacts gives a number another contact, whose versions are others: between two of them counts what was
    said last (`said_at`).
    `stop_heard`: this gateway took a STOP that tickets has not told back yet, so that a START just after it counts.
    """

    account_id: str
    phone: str
    contact_id: str
    contact_version: int
    stopped: bool
    stop_heard: bool = False
    said_at: UtcDatetime | None = None

    @property
    def is_stopped(self) -> bool:
        """Whether the number has said STOP, as far as anybody here knows."""
        return self.stopped or self.stop_heard


class KeywordSeen(Document):
    """A keyword message that was handled; its id is the message's, so that a redelivery is known as one."""

    account_id: str
    delivery_id: str
    word: str
    received_at: UtcDatetime


class QuarantinedWebhook(SetAside):
    """A payload whose signature fitted no token, kept so that a wrong secret loses nothing (M2)."""

    provider_message_id: str
    url: str
    signature: str
    parameters: dict[str, str]
