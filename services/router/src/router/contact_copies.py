"""The router's copies of contacts: only the segments, which route (A1)."""

from collections.abc import Iterable, Mapping, Sequence

from contracts.contacts import ContactChanged
from contracts.envelope import Event
from contracts.ids import derive_id
from contracts.routing import RoutingRequested
from service_kit.bus import Bus
from service_kit.docstore import CollectionSpec, DocStore, Document, Fate
from service_kit.errors import TransientError


class ContactCopy(Document):
    """One contact, as the event of this `version` told it; one that was merged says into which."""

    contact_id: str
    version: int
    segments: tuple[str, ...] = ()
    merged_into: str | None = None


CONTACT_COPIES = CollectionSpec(name="contact_copies", model=ContactCopy)


class ContactCopies:
    """Keeps the copies, and has the queue looked at again when segments change."""

    def __init__(self, store: DocStore, bus: Bus) -> None:
        self._copies = store.collection(CONTACT_COPIES)
        self._bus = bus

    async def follow(self, events: Sequence[Event]) -> None:
        """Store what is newer, then ask for routing where segments differ."""
        newest = {_copy_id(one.account_id, one.contact_id): one for one in events if isinstance(one, ContactChanged)}
        known = await self._copies.get_many(newest)
        await self._store([_copy(event, known.get(copy_id)) for copy_id, event in newest.items()], known)
        requests = [_request(event) for copy_id, event in newest.items() if _may_move(event, known.get(copy_id))]
        if requests:
            await self._bus.publish(requests)

    async def segments(self, account_id: str, contact_ids: Iterable[str]) -> Mapping[str, Sequence[str]]:
        """The segments of contacts, by contact; of unknown ones nothing, of merged ones those of what they are now."""
        found: dict[str, ContactCopy] = {}
        wanted = set(contact_ids)
        while wanted:
            copies = await self._copies.get_many({_copy_id(account_id, contact_id) for contact_id in wanted})
            found |= {copy.contact_id: copy for copy in copies.values()}
            targets = {copy.merged_into for copy in copies.values() if copy.merged_into is not None}
            wanted = targets - found.keys()
        return {contact_id: _home(copy, found).segments for contact_id, copy in found.items()}

    async def _store(self, copies: Sequence[ContactCopy], known: Mapping[str, ContactCopy]) -> None:
        newer = [copy for copy in copies if copy.id not in known or copy.version > known[copy.id].version]
        new = [copy for copy in newer if copy.rev == 0]
        changed = [copy for copy in newer if copy.rev > 0]
        fates = [
            *(await self._copies.insert_many(new) if new else ()),
            *(await self._copies.replace_many(changed) if changed else ()),
        ]
        if any(fate is not Fate.DONE for fate in fates):
            raise TransientError("another replica changed copies of these contacts meanwhile")


def _home(copy: ContactCopy, known: Mapping[str, ContactCopy]) -> ContactCopy:
    """Where a contact went: in the middle of merges and their undoing two copies may point at each other."""
    passed = {copy.contact_id}
    while (into := copy.merged_into) is not None and into in known and into not in passed:
        copy = known[into]
        passed.add(into)
    return copy


def _copy_id(account_id: str, contact_id: str) -> str:
    return f"{account_id}/{contact_id}"


def _copy(event: ContactChanged, known: ContactCopy | None) -> ContactCopy:
    return ContactCopy(
        id=_copy_id(event.account_id, event.contact_id),
        rev=known.rev if known else 0,
        contact_id=event.contact_id,
        version=event.version,
        segments=event.segments,
        merged_into=event.merged_into,
    )


def _may_move(event: ContactChanged, known: ContactCopy | None) -> bool:
    """Whether waiting tickets may belong to another team now.

    The very version that is stored asks again: an earlier life may have stopped between storing and asking.
    """
    if known is None:
        return bool(event.segments) or event.merged_into is not None
    if event.version == known.version:
        return True
    is_other = set(event.segments) != set(known.segments) or event.merged_into != known.merged_into
    return event.version > known.version and is_other


def _request(event: ContactChanged) -> RoutingRequested:
    return RoutingRequested(
        id=derive_id("rtr", event.account_id, event.id),
        account_id=event.account_id,
        time=event.time,
        reason=event.type,
    )
