"""Obeying erasures: what every owner of customers' data does alike when a contact is to be forgotten (S3, L9).

The owner says how it forgets; here the order is opened, its dead letters are looked through, and tickets is told.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.envelope import Event
from contracts.erasure import ContactErased, ContactErasureObeyed, ErasedIdentities
from contracts.ids import derive_id
from contracts.topic import ServiceName, Topic
from contracts.topics import CONTACT_ERASURES, TOPICS
from service_kit.bus import Bus, DeadLetter, Subscription
from service_kit.platform import Platform
from service_kit.secret_box import SecretBox


@dataclass(frozen=True, slots=True)
class ErasedContact:
    """Whom to forget. `whole` false: the contact lives on, only what came from these addresses goes.

    `contact_version` is the last one published of the contact; `at` is when it was to be forgotten.
    """

    account_id: str
    contact_id: str
    contact_version: int
    whole: bool
    identities: ErasedIdentities
    ticket_ids: frozenset[str]
    at: datetime

    @property
    def addresses(self) -> frozenset[str]:
        """What they wrote from: mail addresses in lower case, numbers and visitor ids."""
        named = self.identities
        emails = (email.strip().lower() for email in named.emails)
        return frozenset((*emails, *named.phones, *named.visitor_ids))

    def is_named_in(self, letter: DeadLetter) -> bool:
        """Whether a record that was set aside is about them, as far as its bytes say."""
        body = letter.value.lower()
        if json.dumps(self.account_id).encode().lower() not in body:
            return False
        own = (*self.addresses, *self.ticket_ids, *((self.contact_id,) if self.whole else ()))
        outside = (f'"external_id":{json.dumps(one)}' for one in self.identities.external_ids)
        return any(one.encode().lower() in body for one in (*own, *outside))


Forget = Callable[[ErasedContact], Awaitable[int]]
"""Removes what an owner keeps of somebody, and says how many documents that was; again finds nothing left."""

Buried = Callable[[Sequence[DeadLetter]], Awaitable[None]]
"""Told of the dead letters that were removed, so that what they point to can go as well."""


class Obedience:
    """An owner's reader of erasures. It subscribes by itself, before the bus starts."""

    def __init__(self, platform: Platform, owner: ServiceName, forget: Forget, *, buried: Buried | None = None) -> None:
        self._bus = platform.bus
        self._secrets = platform.secrets
        self._clock = platform.clock
        self._owner: ServiceName = owner
        self._forget = forget
        self._buried = buried
        platform.bus.subscribe(Subscription(CONTACT_ERASURES, owner, self._obey, only=(ContactErased,)))

    async def _obey(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, ContactErased):
                await self._bus.publish([await self._obeyed(event)])

    async def _obeyed(self, event: ContactErased) -> ContactErasureObeyed:
        contact = erased_contact(event, self._secrets)
        removed = await self._forget(contact)
        letters = await discard_dead_letters(self._bus, self._owner, contact)
        if letters and self._buried is not None:
            await self._buried(letters)
        return ContactErasureObeyed(
            id=derive_id("evt", event.id, self._owner, "obeyed"),
            account_id=event.account_id,
            time=self._clock.now(),
            erasure_id=event.erasure_id,
            contact_id=event.contact_id,
            owner=self._owner,
            part=event.part,
            removed=removed + len(letters),
        )


def erased_contact(event: ContactErased, secrets: SecretBox) -> ErasedContact:
    """The order, opened.

    Raises:
        SecretUnreadable: none of our keys opens it.
    """
    return ErasedContact(
        account_id=event.account_id,
        contact_id=event.contact_id,
        contact_version=event.contact_version,
        whole=event.whole,
        identities=ErasedIdentities.model_validate_json(secrets.decrypt(event.sealed)),
        ticket_ids=frozenset(event.ticket_ids),
        at=event.time,
    )


async def discard_dead_letters(bus: Bus, owner: ServiceName, contact: ErasedContact) -> Sequence[DeadLetter]:
    """Remove the dead letters of an owner's readers that are about somebody; which they were."""
    removed: list[DeadLetter] = []
    for topic in _read_by(owner):
        removed += await bus.discard(topic, owner, contact.is_named_in)
    return removed


def _read_by(owner: ServiceName) -> Sequence[Topic]:
    return [topic for topic in TOPICS if owner in topic.consumers]
