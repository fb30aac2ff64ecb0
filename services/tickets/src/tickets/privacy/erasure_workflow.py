"""Erasures from the request to the last owner's answer (S3): a timer carries each out, whoever dies in between."""

from collections.abc import Callable, Sequence
from functools import partial

from contracts.envelope import Event
from contracts.erasure import ContactErased, ContactErasureObeyed, ErasedIdentities
from contracts.people import Actor
from contracts.topics import CONTACT_ERASURES
from service_kit.bus import Bus, Subscription
from service_kit.clock import Clock
from service_kit.docstore import Collection, DocStore, Fate
from service_kit.erasure import discard_dead_letters, erased_contact
from service_kit.errors import TransientError
from service_kit.outbox import Outbox
from service_kit.secret_box import SecretBox
from service_kit.timers import Due, Timers
from tickets.contacts.contact_model import Contact
from tickets.contacts.contact_store import ContactStore
from tickets.privacy.erasure import ERASE_AGAIN, ERASURES, Erasure, announced, erasure_id, named, requested, with_answer
from tickets.privacy.erasure_contact import ErasureContact
from tickets.privacy.erasure_kept import ErasureKept
from tickets.privacy.erasure_tickets import ErasureTickets
from tickets.ticket.ticket_problems import no_such

_ATTEMPTS = 20
_LEASE_SECONDS = 60.0


class ErasureWorkflow:
    """The use cases behind `…/erase`, and behind blocks that purge."""

    def __init__(
        self,
        store: DocStore,
        bus: Bus,
        secrets: SecretBox,
        contacts: ContactStore,
        about_tickets: ErasureTickets,
        about_contact: ErasureContact,
        about_kept: ErasureKept,
        clock: Clock,
    ) -> None:
        self._erasures: Collection[Erasure] = store.collection(ERASURES)
        self.outbox = Outbox(self._erasures, bus, clock, name="erasures")
        self._bus = bus
        self._secrets = secrets
        self._contacts = contacts
        self._about_tickets = about_tickets
        self._about_contact = about_contact
        self._about_kept = about_kept
        self._clock = clock

    def timers(self) -> Timers[Erasure]:
        """What carries erasures out."""
        return Timers(self._erasures, self._clock, self.carry_out, lease_seconds=_LEASE_SECONDS)

    def subscribe(self) -> None:
        """Declare the reader of the owners' answers."""
        self._bus.subscribe(Subscription(CONTACT_ERASURES, "tickets", self.note, only=(ContactErasureObeyed,)))

    async def request(self, account_id: str, contact_id: str, actor: Actor) -> Erasure:
        """Have a contact forgotten; one that is being forgotten goes on being so.

        Raises:
            Problem: there is no such contact.
        """
        contact = (await self._contacts.get_many([contact_id])).get(contact_id)
        if contact is None or contact.account_id != account_id:
            raise no_such("contact")
        if contact.erased_at is not None:
            return await self.show(account_id, contact.id)
        return await self.begin(contact, named(contact), actor)

    async def show(self, account_id: str, contact_id: str) -> Erasure:
        """How far it is.

        Raises:
            Problem: nobody asked to have this contact forgotten.
        """
        erasure = await self._erasures.get(erasure_id(account_id, contact_id))
        if erasure is None or erasure.account_id != account_id:
            raise no_such("erasure")
        return erasure

    async def begin(self, contact: Contact, who: ErasedIdentities, actor: Actor, *, scope: str = "") -> Erasure:
        """Store the intent; a timer carries it out. With a `scope` the contact lives on without these addresses."""
        sealed = self._secrets.encrypt(who.model_dump_json())
        for _ in range(_ATTEMPTS):
            known = await self._erasures.get(erasure_id(contact.account_id, contact.id, scope))
            wanted = requested(known, contact, sealed, scope=scope, actor=actor, now=self._clock.now())
            if wanted is known or await self._save(wanted) is not None:
                return wanted
        raise TransientError(f"the erasure of contact {contact.id} changed {_ATTEMPTS} times meanwhile")

    async def carry_out(self, erasure: Erasure, due: Due) -> None:
        """Forget, then tell every other owner; a second time for what was on its way when it was first done."""
        again = due.kind == ERASE_AGAIN
        who = ErasedIdentities.model_validate_json(self._secrets.decrypt(erasure.sealed))
        addresses = {*(email.strip().lower() for email in who.emails), *who.phones, *who.visitor_ids}
        done = await self._about_tickets.forget(erasure, addresses)
        await self._about_kept.forget(erasure, who, addresses)
        if not (again and done.is_back):
            await self._about_contact.forget(erasure, who)
        versions = await self._about_contact.versions(erasure)
        now = self._clock.now()

        def tell(current: Erasure) -> Erasure:
            # One that takes longer than the lease is carried out twice: who ends first tells, whoever claimed it since.
            is_due = any(one.kind == due.kind for one in current.due)
            if current.run_id != erasure.run_id or not is_due:
                return current
            return announced(current, done.ticket_ids, versions, again=again, now=now)

        await self._bury(tell(erasure))
        stored = await self._change(erasure.id, tell)
        if stored is not None:
            await self.outbox.publish([stored])

    async def _bury(self, told: Erasure) -> None:
        """Remove our own dead letters about whom the orders name."""
        for event in (entry.event() for entry in told.outbox):
            if isinstance(event, ContactErased):
                await discard_dead_letters(self._bus, "tickets", erased_contact(event, self._secrets))

    async def note(self, events: Sequence[Event]) -> None:
        """Note which owners have obeyed."""
        for answer in events:
            if isinstance(answer, ContactErasureObeyed):
                await self._change(answer.erasure_id.partition("/")[0], partial(self._told, answer))

    def _told(self, answer: ContactErasureObeyed, erasure: Erasure) -> Erasure:
        return with_answer(erasure, answer, self._clock.now())

    async def _change(self, an_id: str, edit: Callable[[Erasure], Erasure]) -> Erasure | None:
        """The erasure as stored after a change; None where there is none, or nothing changed."""
        for _ in range(_ATTEMPTS):
            erasure = await self._erasures.get(an_id)
            if erasure is None or (wanted := edit(erasure)) is erasure:
                return None
            if (stored := await self._save(wanted)) is not None:
                return stored
        raise TransientError(f"erasure {an_id} changed {_ATTEMPTS} times meanwhile")

    async def _save(self, erasure: Erasure) -> Erasure | None:
        write = self._erasures.replace_many if erasure.rev else self._erasures.insert_many
        if (await write([erasure]))[0] is not Fate.DONE:
            return None
        return erasure.model_copy(update={"rev": erasure.rev + 1})
