"""Which account a number belongs to: one over all accounts, checked before settings are stored.

The settings of the account are the truth. A claim only keeps two accounts from writing the same number at once: it is
taken before the settings are written, and counts for nothing once it is old and the settings do not hold it.
"""

from datetime import timedelta

from contracts.settings import SmsSettings
from ingest_sms.errors import not_a_number, number_taken
from ingest_sms.model import OwnedNumber
from ingest_sms.phone_numbers import e164
from ingest_sms.store import SmsStore
from service_kit.docstore import Fate
from service_kit.platform import Platform
from service_kit.problem import Problem
from service_kit.settings_area import SettingsArea

CLAIM_HOLDS = timedelta(minutes=1)
"""Longer than any write of settings takes; a claim that old without settings to it is what a failure left."""


class NumberBook:
    """Owns the settings area `sms`, because a number is claimed and held in the same place."""

    def __init__(self, platform: Platform, store: SmsStore) -> None:
        self.area = SettingsArea(platform, "sms", SmsSettings, check=self._check)
        self._store = store
        self._clock = platform.clock

    async def _check(self, account_id: str, before: SmsSettings, after: SmsSettings) -> None:
        """Claim the new numbers; let those go that are dropped, which the settings hold until they are stored without.

        Raises:
            Problem: a number is none (422) or another account's (409).
        """
        for number in after.numbers:
            if e164(number) != number:
                raise not_a_number(number)
        now = self._clock.now()
        fresh = sorted(after.numbers.keys() - before.numbers.keys())
        claims = [OwnedNumber(id=number, account_id=account_id, claimed_at=now) for number in fresh]
        fates = await self._store.claim(claims)
        for claim, fate in zip(claims, fates, strict=True):
            if fate is not Fate.DONE:
                await self._take_over(claim)
        dropped = await self._store.claims_of(before.numbers.keys() - after.numbers.keys())
        mine = [claim for claim in dropped.values() if claim.account_id == account_id]
        await self._store.claim([claim.model_copy(update={"claimed_at": None}) for claim in mine])

    async def _take_over(self, claim: OwnedNumber) -> None:
        known = (await self._store.claims_of([claim.id])).get(claim.id)
        if known is not None and not await self._may_replace(known, claim):
            raise number_taken(claim.id)
        renewed = claim.model_copy(update={"rev": known.rev if known else 0})
        if list(await self._store.claim([renewed])) != [Fate.DONE]:
            raise number_taken(claim.id)  # somebody else took it between our look and our write

    async def _may_replace(self, known: OwnedNumber, wanted: OwnedNumber) -> bool:
        if known.account_id == wanted.account_id:
            return True
        is_old = known.claimed_at is None or self._clock.now() - known.claimed_at > CLAIM_HOLDS
        return is_old and not await self._is_held(known)

    async def _is_held(self, claim: OwnedNumber) -> bool:
        try:
            return claim.id in (await self.area.get(claim.account_id)).numbers
        except Problem:
            return False  # the account is not known here (yet)
