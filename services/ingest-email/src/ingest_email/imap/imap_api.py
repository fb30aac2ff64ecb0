"""How reading the mailboxes of an account goes."""

from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel

from contracts.envelope import UtcDatetime
from contracts.imap import ImapMailbox
from ingest_email.address_book import AddressBook
from ingest_email.imap.imap_failure import FailureCode
from ingest_email.imap.imap_watched import MailboxState, WatchedMailbox
from service_kit.auth.dependency import requires
from service_kit.auth.permissions import Permission
from service_kit.auth.principal import Principal
from service_kit.http.pages import Cursor, PageOf
from service_kit.http.routes import Routes
from service_kit.http.whole_lists import WHOLE_LIMIT, WholeLimit, page_of


class MailboxCursor(BaseModel):
    """All mail of the folder up to this UID was taken, while its UIDVALIDITY stays."""

    uid_validity: int
    last_uid: int


class MailboxShown(BaseModel):
    """One mailbox. `last_seen_at` is when it was last known to hold nothing new.

    `state` is `watching` where the server tells of new mail, `polling` where it is asked, `reading` while there is
    mail to take, `retrying` after `last_error`, `waiting` while nobody reads it.
    """

    name: str
    address: str
    folder: str
    state: MailboxState
    last_error: FailureCode | None
    last_seen_at: UtcDatetime | None
    cursor: MailboxCursor | None


def imap_router(addresses: AddressBook) -> Routes:
    """`GET /v1/email/imap`."""
    router = Routes("/v1/email", tags=["email"])

    @router.get("/imap")
    async def list_mailboxes(
        principal: Annotated[Principal, Depends(requires(Permission.SETTINGS_READ))],
        limit: WholeLimit = WHOLE_LIMIT,
        cursor: Cursor = None,
    ) -> PageOf[MailboxShown]:
        """The mailboxes of the settings `email`, by name; an account has 20 at most."""
        settings = await addresses.area.get(principal.account_id)
        known = await addresses.mailboxes.of_account(principal.account_id)
        shown = [_shown(name, one, known.get(name)) for name, one in settings.imap.items()]
        page = page_of(shown, lambda one: (one.name, one.name), order="mailboxes", limit=limit, cursor=cursor)
        return PageOf(items=[*page.items], next_cursor=page.next_cursor)

    return router


def _shown(name: str, mailbox: ImapMailbox, watched: WatchedMailbox | None) -> MailboxShown:
    cursor = watched.cursor if watched else None
    return MailboxShown(
        name=name,
        address=mailbox.address,
        folder=mailbox.folder,
        state=watched.state if watched else "waiting",
        last_error=watched.last_error if watched else None,
        last_seen_at=watched.last_seen_at if watched else None,
        cursor=MailboxCursor(uid_validity=cursor.uid_validity, last_uid=cursor.last_uid) if cursor else None,
    )
