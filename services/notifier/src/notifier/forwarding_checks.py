"""Checks of forwarding, from the request for one to the mail that came back or did not."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from contracts.mail import CheckVariant, MailCheckSeen
from contracts.settings import EmailSettings
from notifier import forwarding_check as rules
from notifier.errors import Refused
from notifier.forwarding_check import FORWARDING_CHECKS, MISS, ForwardingCheck
from notifier.forwarding_check_mail import check_mail, tagged
from notifier.mail_gateway import MailGateway
from service_kit.clock import Clock
from service_kit.docstore import Collection, DocStore, Eq, Fate, Page, Sort
from service_kit.errors import TransientError
from service_kit.http.problems import Problem
from service_kit.mail_checks import CheckMail
from service_kit.settings_copies import SettingsCopies
from service_kit.signing import Signer
from service_kit.timers import Due

Change = Callable[[ForwardingCheck], ForwardingCheck]


class ForwardingChecks:
    """Starts checks, sends their mails, and takes in what came of them; `patience` is how long a mail may take."""

    def __init__(
        self,
        store: DocStore,
        gateway: MailGateway,
        copies: SettingsCopies,
        signer: Signer,
        clock: Clock,
        *,
        patience: timedelta,
    ) -> None:
        self.checks: Collection[ForwardingCheck] = store.collection(FORWARDING_CHECKS)
        self._gateway = gateway
        self._copies = copies
        self._signer = signer
        self._clock = clock
        self._patience = patience

    async def begin(self, account_id: str, address: str) -> ForwardingCheck:
        """Check an address from now on.

        Raises:
            Problem: it is no support address of the account, or is being checked.
        """
        if address not in (await self._copies.get(account_id, "email", EmailSettings, fresh=True)).addresses:
            raise Problem(422, "not_a_support_address", "It is not among `addresses` in the settings `email`.")
        before = await self.checks.get(rules.check_id(account_id, address))
        if before is not None and rules.is_running(before):
            raise _running()
        has_tag = tagged(self._signer, account_id, rules.check_id(account_id, address), address) is not None
        check = rules.begun(before, account_id, address, self._clock.now(), has_tag=has_tag)
        write = self.checks.insert_many if before is None else self.checks.replace_many
        if await write([check]) != [Fate.DONE]:
            raise _running()  # somebody else began it between our look and our write
        return check

    async def one(self, account_id: str, check_id: str) -> ForwardingCheck | None:
        """An account's check."""
        check = await self.checks.get(check_id)
        return check if check is not None and check.account_id == account_id else None

    async def page(self, account_id: str, *, limit: int, cursor: str | None) -> Page[ForwardingCheck]:
        """An account's checks, the newest first."""
        mine = Eq("account_id", account_id)
        return await self.checks.find(mine, sort=Sort("started_at", descending=True), limit=limit, cursor=cursor)

    async def drops_tags(self, account_id: str, address: str) -> bool:
        """Whether mail to the address is known to arrive only without a token behind a plus sign."""
        check = await self.checks.get(rules.check_id(account_id, address))
        return check is not None and check.drops_tags is True

    async def fire(self, check: ForwardingCheck, due: Due) -> None:
        """Send what is to be sent, or end the waiting. Killed in between, a mail leaves twice under one name."""
        if due.kind == MISS:
            await self._change(check, lambda now: rules.waited(now, self._patience))
            return
        for mail in rules.to_send(check):
            change = await self._sent(check, mail)
            check = await self._change(check, change)
        await self._change(check, lambda now: rules.after_sending(now, self._clock.now(), self._patience))

    async def take(self, seen: Sequence[MailCheckSeen]) -> None:
        """Take in what came of the mails; of earlier runs, and again, it changes nothing."""
        for event in seen:
            check = await self.one(event.account_id, event.check_id)
            if check is not None and check.run == event.run:
                await self._change(check, _outcome(event))

    async def _sent(self, check: ForwardingCheck, mail: CheckMail) -> Change:
        """Make one attempt; what it means for the check."""
        letter = check_mail(self._signer, check.account_id, check.address, mail, check.started_at)
        recipient = letter["To"].addresses[0].addr_spec
        try:
            (await self._gateway.send(letter, check.address, [recipient])).require(recipient)
        except TransientError as error:
            return _deferred(mail.variant, str(error))
        except Refused as error:
            return _returned(mail.variant, str(error))
        return lambda now: rules.handed_over(now, mail.variant)

    async def _change(self, check: ForwardingCheck, change: Change) -> ForwardingCheck:
        """The check as stored, changed; one that was begun anew meanwhile is left alone."""
        current: ForwardingCheck | None = check
        while current is not None and current.run == check.run:
            changed = change(current)
            if changed == current:
                return current
            if await self.checks.replace_many([changed]) == [Fate.DONE]:
                return changed.model_copy(update={"rev": changed.rev + 1})
            current = await self.checks.get(check.id)
        return current or check


def _outcome(event: MailCheckSeen) -> Change:
    if event.outcome == "arrived":
        return lambda check: rules.arrived(check, event.variant, event.time)
    return _returned(event.variant, event.reason)


def _deferred(variant: CheckVariant, reason: str) -> Change:
    return lambda check: rules.deferred(check, variant, reason)


def _returned(variant: CheckVariant, reason: str | None) -> Change:
    return lambda check: rules.returned(check, variant, reason)


def _running() -> Problem:
    return Problem(409, "forwarding_check_running", "This address is being checked; look at the check that runs.")
