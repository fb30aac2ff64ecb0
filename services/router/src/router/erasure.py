"""Forgetting a contact (S3): the router keeps only segments, and tickets by their ids."""

from router.contact_copies import CONTACT_COPIES, ContactCopy
from service_kit.docstore import DocStore, Fate
from service_kit.erasure import ErasedContact
from service_kit.errors import TransientError


class RouterErasure:
    """What the router does when a contact is to be forgotten.

    The copy stays as a version without segments: an older event of the contact that comes late is then no news.
    """

    def __init__(self, store: DocStore) -> None:
        self._copies = store.collection(CONTACT_COPIES)

    async def forget(self, contact: ErasedContact) -> int:
        """Empty the copy, unless it is newer than the erasure."""
        copy_id = f"{contact.account_id}/{contact.contact_id}"
        known = await self._copies.get(copy_id)
        if known is None or not contact.whole or known.version > contact.contact_version or not known.segments:
            return 0
        emptied: ContactCopy = known.model_copy(update={"segments": ()})
        if (await self._copies.replace_many([emptied]))[0] is not Fate.DONE:
            raise TransientError("another replica changed the copy of this contact meanwhile")
        return 1
