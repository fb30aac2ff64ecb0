"""Messages of blocked customers, set aside for as long as their block can be lifted (L9). Pure; no I/O."""

from collections.abc import Set as AbstractSet
from typing import Any

from contracts.envelope import UtcDatetime
from contracts.ids import derive_id
from contracts.inbound import InboundMessageReceived
from contracts.people import Actor
from service_kit.docstore import CollectionSpec, Document, Index
from tickets.privacy.block import Block
from tickets.ticket.model import Message


class KeptMessage(Document):
    """One message, whole; the id is the message's and the block's that fired."""

    account_id: str
    block_id: str
    message_id: str
    event: dict[str, Any]
    received_at: UtcDatetime

    @property
    def received(self) -> InboundMessageReceived:
        """The message as its gateway handed it over."""
        return InboundMessageReceived.model_validate(self.event)

    def is_from(self, addresses: AbstractSet[str]) -> bool:
        """Whether it was written from one of these addresses, numbers or visitor ids, in lower case."""
        sender = self.received.sender
        named = (sender.email, sender.phone, sender.visitor_id)
        return any(one.strip().lower() in addresses for one in named if one)

    @property
    def blob_keys(self) -> tuple[str, ...]:
        """Its raw mail and its files."""
        event = self.received
        raw = (event.raw_blob_key,) if event.raw_blob_key else ()
        return (*raw, *(file.blob_key for file in event.attachments))


KEPT = CollectionSpec(
    name="kept_messages",
    model=KeptMessage,
    indexes=(Index(("block_id", "received_at")),),
    lists=frozenset({"blob_keys"}),
)


def kept_message(event: InboundMessageReceived, block: Block) -> KeptMessage:
    """The message as it is set aside."""
    return KeptMessage(
        id=f"{event.message_id}/{block.id}",
        account_id=event.account_id,
        block_id=block.id,
        message_id=event.message_id,
        event=event.model_dump(mode="json"),
        received_at=event.received_at,
    )


def blocked_message(event: InboundMessageReceived, block: Block) -> Message:
    """The message as far as its redeliveries must find one: which, and that it was blocked; nothing of what it says."""
    return Message(
        id=event.message_id,
        account_id=event.account_id,
        ticket_id=None,
        verdict="blocked",
        rule=f"blocked_{block.kind}",
        first_delivery_id=event.id,
        kind="inbound",
        author=Actor(kind="customer"),
        text="",
        provider_message_id=event.provider_message_id,
        created_at=event.received_at,
    )


def taken_in_again(kept: KeptMessage) -> InboundMessageReceived:
    """The message as another delivery: the first one has its verdict already (I2)."""
    return kept.received.model_copy(update={"id": derive_id("dlv", kept.id, "unblocked")})
