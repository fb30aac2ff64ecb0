"""The intake of customers' messages: read, decide, write, note; and again for what somebody else changed meanwhile."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.inbound import ContactProfileGiven, InboundMessageReceived
from service_kit.clock import Clock
from service_kit.errors import TransientError
from tickets.intake.intake_plan import IntakePlan, Outcome
from tickets.intake.intake_reader import IntakeReader
from tickets.intake.intake_state import Inbound
from tickets.intake.intake_writer import IntakeWriter
from tickets.ledger.intake_entry import IntakeEntry
from tickets.ledger.intake_ledger import IntakeLedger
from tickets.privacy.erasure_blobs import ErasureBlobs
from tickets.ticket.mail_ids import SignedIds
from tickets.ticket.model import Message

_ROUNDS_WITHOUT_PROGRESS = 20


class IntakeContended(TransientError):
    """Somebody else changed the same tickets or contacts again and again."""


class Intake:
    """The use case behind `inbound-messages-v1`."""

    def __init__(
        self,
        reader: IntakeReader,
        writer: IntakeWriter,
        ledger: IntakeLedger,
        signed: SignedIds,
        clock: Clock,
        late: ErasureBlobs,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._ledger = ledger
        self._signed = signed
        self._clock = clock
        self._late = late

    async def take_in(self, events: Sequence[Event], *, lifted: frozenset[str] = frozenset()) -> None:
        """Take in a batch; returning means that all of it is stored, published and entered in the ledger.

        Blocks that are being `lifted` hold nothing back.
        """
        waiting: Sequence[Inbound] = [e for e in events if isinstance(e, InboundMessageReceived | ContactProfileGiven)]
        fruitless = 0
        while waiting:
            remaining = await self._round(waiting, lifted)
            fruitless = fruitless + 1 if len(remaining) == len(waiting) else 0
            if fruitless >= _ROUNDS_WITHOUT_PROGRESS:
                raise IntakeContended(f"{len(remaining)} messages could not be placed")
            waiting = remaining

    async def _round(self, events: Sequence[Inbound], lifted: frozenset[str]) -> Sequence[Inbound]:
        """Decide and write; the events that have to be decided again, in order."""
        state = await self._reader.read(events, lifted=lifted)
        plan = IntakePlan(state, self._signed, self._clock.now())
        for event in events:
            plan.take(event)
        plan.finish()
        self._reader.give_back(state)
        held = await self._writer.write(plan)
        await self._ledger.record([entry for outcome in held if (entry := _entry(outcome, plan)) is not None])
        await self._discard(held, plan)
        settled = {id(outcome.event) for outcome in held}
        return [event for event in events if id(event) not in settled]

    async def _discard(self, held: Sequence[Outcome], plan: IntakePlan) -> None:
        """Take away what gateways stored of messages that nobody keeps: of the blocked, and of the forgotten (L9)."""
        stored = {outcome.message_id for outcome in held}
        refused = [one.received for one in plan.state.refused if one.message_id in stored]
        late = [event for outcome in held if (event := _forgotten(outcome, plan)) is not None]
        if refused or late:
            await self._late.discard([*refused, *late])


def _entry(outcome: Outcome, plan: IntakePlan) -> IntakeEntry | None:
    message = plan.state.messages.get(outcome.message_id)
    if message is None or not isinstance(outcome.event, InboundMessageReceived):
        return None
    return ledger_entry(outcome.event, message)


def _forgotten(outcome: Outcome, plan: IntakePlan) -> InboundMessageReceived | None:
    """A message that comes once more after its customer was forgotten (L9)."""
    message = plan.state.messages.get(outcome.message_id)
    is_erased = message is not None and message.erased_at is not None
    return outcome.event if is_erased and isinstance(outcome.event, InboundMessageReceived) else None


def ledger_entry(event: InboundMessageReceived, message: Message) -> IntakeEntry:
    """How a delivery ended: as its message did, if it brought it first; else as a duplicate."""
    is_first = message.first_delivery_id == event.id and message.verdict is not None
    return IntakeEntry(
        id=event.id,
        account_id=event.account_id,
        channel=event.channel,
        provider_message_id=event.provider_message_id if message.erased_at is None else event.message_id,
        mailbox=event.recipient,
        verdict=message.verdict if is_first and message.verdict else "duplicate",
        rule=message.rule if is_first else "same_message",
        ticket_id=message.ticket_id,
        raw_blob_key=event.raw_blob_key if message.erased_at is None else None,
        received_at=event.received_at,
    )
