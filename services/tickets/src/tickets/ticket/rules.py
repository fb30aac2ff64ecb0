"""The settings of one account that decide what becomes of a message, read together."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from contracts.directories import ScheduleDirectory
from contracts.people import Channel
from contracts.schedules import Schedule
from contracts.settings import (
    AccountSettings,
    AssignmentSettings,
    ChatSettings,
    EmailSettings,
    SmsSettings,
    TicketSettings,
)
from service_kit.settings_copies import SettingsCopies
from tickets.ticket.mail_ids import without_plus


@dataclass(frozen=True, slots=True)
class Rules:
    """What one account has set. `chat_schedule` None: no schedule is set, and office hours are never spoken of (W3)."""

    tickets: TicketSettings = field(default_factory=TicketSettings)
    round_robin: bool = True
    account: AccountSettings = field(default_factory=AccountSettings)
    chat: ChatSettings = field(default_factory=ChatSettings)
    chat_schedule: Schedule | None = None
    sms: SmsSettings = field(default_factory=SmsSettings)
    our_addresses: frozenset[str] = frozenset()


class RulesReader:
    """Reads rules from the copies of settings.

    Areas that the channels at hand do not need are left at defaults, so that a chat does not wait for the settings of
    SMS.
    """

    def __init__(self, copies: SettingsCopies) -> None:
        self._copies = copies

    async def read(self, account_id: str, channels: Iterable[Channel]) -> Rules:
        """The rules for messages of these channels.

        Raises:
            SettingsMissing: an owner has not published its settings yet; nothing is guessed.
        """
        wanted = frozenset(channels)
        tickets = await self._copies.get(account_id, "tickets", TicketSettings)
        assignment = await self._copies.get(account_id, "assignment", AssignmentSettings)
        account, sms = AccountSettings(), SmsSettings()
        chat, schedule = ChatSettings(), None
        our_addresses: frozenset[str] = frozenset()
        if "email" in wanted:
            email = await self._copies.get(account_id, "email", EmailSettings)
            our_addresses = frozenset(without_plus(address) for address in email.addresses)
        if "sms" in wanted:
            account = await self._copies.get(account_id, "account", AccountSettings)
            sms = await self._copies.get(account_id, "sms", SmsSettings)
        if "web_chat" in wanted:
            chat = await self._copies.get(account_id, "chat", ChatSettings)
            schedule = await self._schedule(account_id, chat.schedule_id or assignment.schedule_id)
        return Rules(
            tickets=tickets,
            round_robin=assignment.round_robin,
            account=account,
            chat=chat,
            chat_schedule=schedule,
            sms=sms,
            our_addresses=our_addresses,
        )

    async def of_tickets(self, account_id: str) -> TicketSettings:
        """The settings of tickets alone, for what an agent asks."""
        return await self._copies.get(account_id, "tickets", TicketSettings)

    async def zone(self, account_id: str) -> ZoneInfo:
        """The time zone of the company."""
        return ZoneInfo((await self._copies.get(account_id, "account", AccountSettings)).zone)

    async def _schedule(self, account_id: str, schedule_id: str | None) -> Schedule | None:
        """A schedule that was deleted while still named counts as none."""
        if schedule_id is None:
            return None
        directory = await self._copies.get(account_id, "schedules", ScheduleDirectory)
        return directory.schedules.get(schedule_id)
