"""Keeps numbers unique over all accounts as settings change."""

from contracts.settings import SmsSettings
from ingest_sms.errors import not_a_number, number_taken
from ingest_sms.phone_numbers import e164
from ingest_sms.store import SmsStore


class NumberBook:
    """Checks the settings `sms` before they are stored."""

    def __init__(self, store: SmsStore) -> None:
        self._store = store

    async def check(self, account_id: str, before: SmsSettings, after: SmsSettings) -> None:
        """Claim the new numbers, release the dropped ones.

        Raises:
            Problem: a number is none (422) or another account's (409); nothing was claimed then.
        """
        for number in after.numbers:
            if e164(number) != number:
                raise not_a_number(number)
        fresh = after.numbers.keys() - before.numbers.keys()
        taken = await self._store.claim_numbers(account_id, fresh)
        if taken:
            await self._store.release_numbers(account_id, fresh - set(taken))
            raise number_taken(taken[0])
        await self._store.release_numbers(account_id, before.numbers.keys() - after.numbers.keys())
