"""Mails to agents, from the event that asks for one to the gateway."""

from collections.abc import Sequence

from contracts.directories import AgentDirectory
from contracts.settings import AccountSettings, EmailSettings, NotificationSettings
from contracts.tickets import TicketAgentMentioned
from notifier.errors import Refused
from notifier.mail_gateway import MailGateway
from notifier.staff_mail import STAFF_MAILS, StaffMail, composed, deferred, mention_mail, sender_of, settled
from service_kit.clock import Clock
from service_kit.docstore import Collection, DocStore
from service_kit.errors import TransientError
from service_kit.settings_area import SettingsArea
from service_kit.settings_copies import SettingsCopies
from service_kit.timers import Due


class StaffMailing:
    """Takes mentions in, once each, and makes one attempt at a time for each mail."""

    def __init__(
        self,
        store: DocStore,
        gateway: MailGateway,
        area: SettingsArea[NotificationSettings],
        copies: SettingsCopies,
        clock: Clock,
    ) -> None:
        self.mails: Collection[StaffMail] = store.collection(STAFF_MAILS)
        self._gateway = gateway
        self._area = area
        self._copies = copies
        self._clock = clock

    async def take(self, mentions: Sequence[TicketAgentMentioned]) -> None:
        """Store a mail for each mention, due at once; a repeated event changes nothing."""
        if mentions:
            now = self._clock.now()
            await self.mails.insert_many([mention_mail(event, now) for event in mentions])

    async def send(self, mail: StaffMail, _due: Due) -> None:
        """One attempt. Killed between acceptance and record, the mail leaves twice under one Message-ID."""
        await self.mails.replace_many([await self._attempted(mail)])

    async def _attempted(self, mail: StaffMail) -> StaffMail:
        try:
            return await self._sent(mail)
        except TransientError as error:  # the relay says later, or settings are not here yet
            return deferred(mail, str(error), self._clock.now())
        except (Refused, ValueError) as error:  # an address that no mail can be composed for is a ValueError
            return settled(mail, "failed", self._clock.now(), str(error)[:500])

    async def _sent(self, mail: StaffMail) -> StaffMail:
        account_id, now = mail.account_id, self._clock.now()
        if not (await self._area.get(account_id)).mention_email:
            return settled(mail, "skipped", now, "switched off")
        agents = (await self._copies.get(account_id, "agents", AgentDirectory)).agents
        agent = agents.get(mail.agent_id)
        if agent is None or not agent.active:
            return settled(mail, "skipped", now, "no such agent")
        account = await self._copies.get(account_id, "account", AccountSettings)
        sender = sender_of(account, await self._copies.get(account_id, "email", EmailSettings))
        if sender is None:
            return settled(mail, "failed", now, "the account has no address to send from")
        letter = composed(mail, agent, agents, account, sender)
        (await self._gateway.send(letter, sender, [agent.email])).require(agent.email)
        return settled(mail, "sent", now)
