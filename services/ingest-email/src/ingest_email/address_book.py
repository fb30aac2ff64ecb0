"""Which account a support address belongs to: unique over all accounts, and asked for every recipient of a mail.

The settings of the account are the truth. A claim only keeps two accounts from writing the same address at once: it
is taken before the settings are written, and counts for nothing once it is old and the settings do not hold it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.envelope import UtcDatetime
from contracts.settings import EmailSettings
from ingest_email.imap.imap_roster import ImapRoster
from ingest_email.imap.imap_rules import changed_names, refuse_unreadable
from ingest_email.parsing.headers import bare_address
from ingest_email.plus_address import candidates
from ingest_email.webhooks.sendgrid import public_key
from service_kit.docstore import CollectionSpec, Document, Fate
from service_kit.platform import Platform
from service_kit.problem import Problem
from service_kit.settings_area import SettingsArea

_FRESH = timedelta(seconds=1)
_CLAIM_HOLDS = timedelta(minutes=1)
"""Longer than any write of settings takes; a claim that old without settings to it is what a failure left."""

_MAX_REMEMBERED = 10_000


class AddressClaim(Document):
    """Somebody's word that they are about to use an address; the id is the address."""

    account_id: str
    claimed_at: UtcDatetime


CLAIMS = CollectionSpec(name="email_address_claims", model=AddressClaim)


@dataclass(frozen=True, slots=True)
class SupportInbox:
    """Where an address leads: the support address as people know it, and the tag it came with."""

    account_id: str
    address: str
    tag: str | None


class AddressBook:
    """Owns the settings area `email`, because an address is checked and looked up in the same place."""

    def __init__(self, platform: Platform) -> None:
        self.area = SettingsArea(platform, "email", EmailSettings, check=self._check)
        self.mailboxes = ImapRoster(platform.store, platform.clock)
        self._claims = platform.store.collection(CLAIMS)
        self._allow_private = platform.settings.allow_private_urls
        self._clock = platform.clock
        self._remembered: dict[str, tuple[datetime, str]] = {}

    async def find(self, address: str) -> SupportInbox | None:
        """The support address that mail to `address` is for, if it is anybody's."""
        for base, tag in candidates(address):
            account_id = await self._owner(base)
            if account_id is not None:
                return SupportInbox(account_id, base, tag)
        return None

    async def _owner(self, address: str) -> str | None:
        """Who has the address, at most a second ago. That nobody has it is not remembered: it may be new."""
        now = self._clock.now()
        known = self._remembered.get(address)
        if known is not None and timedelta(0) <= now - known[0] < _FRESH:
            return known[1]
        claim = await self._claims.get(address)
        if claim is None or not await self._is_held(claim):
            self._remembered.pop(address, None)
            return None
        if len(self._remembered) >= _MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[address] = (now, claim.account_id)
        return claim.account_id

    async def _is_held(self, claim: AddressClaim) -> bool:
        try:
            return claim.id in (await self.area.get(claim.account_id)).addresses
        except Problem:
            return False  # the account is not known here (yet)

    async def _check(self, account_id: str, before: EmailSettings, after: EmailSettings) -> None:
        """Refuse what could never work, and addresses that are not this account's to have."""
        if after.sendgrid.public_key is not None:
            try:
                public_key(after.sendgrid.public_key)
            except ValueError as error:
                raise Problem(
                    422, "invalid_public_key", "sendgrid.public_key is not a key as SendGrid shows it."
                ) from error
        refuse_unreadable(after, allow_plain=self._allow_private)
        await self._claim_new(account_id, before, after)
        await self.mailboxes.want(account_id, changed_names(before.imap, after.imap))

    async def _claim_new(self, account_id: str, before: EmailSettings, after: EmailSettings) -> None:
        """Refuse settings that name an address of another account, or none at all."""
        new = sorted(after.addresses.keys() - before.addresses.keys())
        for address in new:
            if bare_address(address) != address:
                raise Problem(422, "invalid_address", f"{address[:320]!r} is not an address in lower case.")
        now = self._clock.now()
        claims = [AddressClaim(id=address, account_id=account_id, claimed_at=now) for address in new]
        fates = await self._claims.insert_many(claims)
        await self._take_over(claim for claim, fate in zip(claims, fates, strict=True) if fate is not Fate.DONE)

    async def _take_over(self, claims: Iterable[AddressClaim]) -> None:
        for claim in claims:
            existing = await self._claims.get(claim.id)
            if existing is not None and not await self._may_replace(existing, claim):
                raise _taken(claim.id)
            renewed = claim.model_copy(update={"rev": existing.rev if existing else 0})
            write = self._claims.replace_many if existing else self._claims.insert_many
            if await write([renewed]) != [Fate.DONE]:
                raise _taken(claim.id)  # somebody else took it between our look and our write

    async def _may_replace(self, existing: AddressClaim, wanted: AddressClaim) -> bool:
        if existing.account_id == wanted.account_id:
            return True
        is_old = wanted.claimed_at - existing.claimed_at > _CLAIM_HOLDS
        return is_old and not await self._is_held(existing)


def _taken(address: str) -> Problem:
    return Problem(409, "address_taken", f"{address} is the support address of another account.")
