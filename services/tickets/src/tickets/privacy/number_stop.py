"""The stops of numbers whose person was forgotten: a hash of account and number, and when it was said (M5, S3).

Nothing else is kept, and only for this: an import of consents after the erasure must not have them written to again.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from contracts.envelope import UtcDatetime
from service_kit.docstore import CollectionSpec, DocStore, Document
from tickets.contacts.contact_model import Contact, Identity, NumberSaid, SaidBool
from tickets.contacts.contacts import identity


class NumberStop(Document):
    """One stop; the id is that of the number's identity, which is a hash."""

    account_id: str
    said_at: UtcDatetime


NUMBER_STOPS = CollectionSpec(name="number_stops", model=NumberStop)


class NumberStops:
    """The collection."""

    def __init__(self, store: DocStore) -> None:
        self._stops = store.collection(NUMBER_STOPS)

    async def keep(self, stops: Sequence[NumberStop]) -> None:
        """Remember stops; one that is known stays."""
        if stops:
            await self._stops.insert_many(stops)

    async def said(self, identities: Iterable[Identity]) -> Mapping[str, datetime]:
        """When each of these numbers said stop, by the identity's id; asked of those that nobody has now."""
        ids = [one.id for one in identities if one.kind == "phone"]
        found = await self._stops.get_many(ids) if ids else {}
        return {stop.id: stop.said_at for stop in found.values()}


def stops_of(contact: Contact) -> list[NumberStop]:
    """The stops that outlive what is known of a contact."""
    return [
        NumberStop(id=identity(contact.account_id, "phone", phone).id, account_id=contact.account_id, said_at=said.at)
        for phone, consent in contact.sms_consent.items()
        if (said := consent.stopped) is not None and said.value
    ]


def with_stop(contact: Contact, known_as: Identity, said_at: datetime | None) -> Contact:
    """The contact with a stop that its number said before; what was said of the number since stands."""
    if said_at is None or known_as.value in contact.sms_consent:
        return contact
    stopped = NumberSaid(stopped=SaidBool(value=True, at=said_at))
    return contact.model_copy(update={"sms_consent": {**contact.sms_consent, known_as.value: stopped}})
