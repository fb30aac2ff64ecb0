"""Forgetting a contact (S3): numbers stay, and what could say whose they are goes from the archive.

Facts name tickets only. Of contacts the archive keeps segments, of deliveries what a mail server said, which may
repeat an address: both go.
"""

from typing import Any

from contracts.ids import derive_id
from reporting.archive import ARCHIVE, ArchivedEvent
from service_kit.docstore import DocStore, Fate, In
from service_kit.docstore.every_page import every
from service_kit.erasure import ErasedContact
from service_kit.errors import TransientError

_SAID_BY_OTHERS = ("reason", "provider_id")


class ReportingErasure:
    """What reporting does when a contact is to be forgotten."""

    def __init__(self, store: DocStore) -> None:
        self._archive = store.collection(ARCHIVE)

    async def forget(self, contact: ErasedContact) -> int:
        """Remove the contact's own events, and what others said of its deliveries; how many documents that was."""
        own = await self._own(contact) if contact.whole else []
        told = await every(self._archive, In("ticket_id", tuple(contact.ticket_ids))) if contact.ticket_ids else []
        mine = (event for event in told if event.account_id == contact.account_id)
        reduced = [less for event in mine if (less := _reduced(event)) is not event]
        fates = [
            *(await self._archive.delete_many(own) if own else ()),
            *(await self._archive.replace_many(reduced) if reduced else ()),
        ]
        if any(fate is not Fate.DONE for fate in fates):
            raise TransientError("another replica changed these events meanwhile")
        return len(fates)

    async def _own(self, contact: ErasedContact) -> list[ArchivedEvent]:
        """What tickets published of the contact, whose ids follow from its versions."""
        ids = (derive_id("evt", contact.contact_id, str(one + 1)) for one in range(contact.contact_version))
        found = await self._archive.get_many(f"{contact.account_id}/{one}" for one in ids)
        return list(found.values())


def _reduced(event: ArchivedEvent) -> ArchivedEvent:
    silent: dict[str, Any] = {name: None for name in _SAID_BY_OTHERS if event.body.get(name) is not None}
    if not event.type.endswith("delivery_updated.v1") or not silent:
        return event
    return event.model_copy(update={"body": {**event.body, **silent}})
