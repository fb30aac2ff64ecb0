"""Settings of each area, published whole by their owner (`directories` has those that no person patches).

Fields typed `Secret` are encrypted (`service_kit.secret_box`) wherever they are stored or published.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, HttpUrl, IPvAnyNetwork

from contracts.directories import AgentDirectory, ScheduleDirectory, TeamDirectory
from contracts.envelope import Event, Shape
from contracts.imap import ImapMailbox, MailboxName
from contracts.people import Channel
from contracts.schedules import Zone
from contracts.settings_shape import Secret as Secret  # noqa: PLC0414 - said again: it is part of every area
from contracts.settings_shape import SettingsShape as SettingsShape  # noqa: PLC0414
from contracts.settings_shape import Text

Area = Literal[
    "account",
    "tickets",
    "assignment",
    "email",
    "sms",
    "chat",
    "notifications",
    "agents",
    "teams",
    "schedules",
]
"""Public contract. The last three are directories: read-only copies of what their owner keeps."""

AREA_OWNERS: dict[Area, str] = {
    "account": "tickets",
    "tickets": "tickets",
    "agents": "tickets",
    "assignment": "router",
    "teams": "router",
    "schedules": "router",
    "email": "ingest-email",
    "sms": "ingest-sms",
    "chat": "webchat-gateway",
    "notifications": "notifier",
}


class SettingsChanged(Event):
    """All settings of one area as they now are. Compacted: the newest of each account and area is kept."""

    key_field: ClassVar[str] = "area"

    type: Literal["support.settings.changed.v1"] = "support.settings.changed.v1"
    area: Area
    version: int
    value: dict[str, Any]


class AccountSettings(SettingsShape):
    """The company."""

    name: str = Field(default="", max_length=200)
    zone: Zone = "UTC"
    language: str = Field(default="en", pattern=r"^[a-z]{2}(-[A-Z]{2})?$")
    prefix: str = Field(default="", max_length=40)
    support_email: str = Field(default="", max_length=320)


ReopenPreset = Literal["guide", "status_page", "zendesk"]
"""Public contract: what a customer's message does to a closed ticket, unless said otherwise (L3)."""

ReopenHours = Annotated[int, Field(ge=0, le=87_600)]


class ReopenRule(SettingsShape):
    """What differs from the preset; what is null is as the preset says.

    `within_hours`: until how long after closing a reply reopens; `new_thread_within_hours`: the same for a mail of a
    new thread (X5). `on_snoozed` says whether a customer's message wakes a snoozed ticket. `owner` is who has a ticket
    that a customer reopened: `keep`, `queue` or, as every preset says, `keep_if_available`.
    """

    action: Literal["reopen", "new"] | None = None
    within_hours: ReopenHours | Literal["unlimited"] | None = None
    new_thread_within_hours: ReopenHours | Literal["never"] | None = None
    on_snoozed: Literal["wake", "keep"] | None = None
    by_hand: bool | None = None
    owner: Literal["keep", "queue", "keep_if_available"] | None = None
    max_per_hour: Annotated[int, Field(ge=0, le=100)] | None = None


class ChatReopenRule(SettingsShape):
    """The same for chats, which are never reopened: a new ticket follows them (W2)."""

    on_snoozed: Literal["wake", "keep"] | None = None


class ReopenRules(SettingsShape):
    """What differs by channel."""

    email: ReopenRule = ReopenRule()
    sms: ReopenRule = ReopenRule()
    web_chat: ChatReopenRule = ChatReopenRule()


class TeamReopenRules(ReopenRules):
    """What differs for the tickets of one team: another preset, and what differs from it."""

    preset: ReopenPreset | None = None


class TicketSettings(SettingsShape):
    """How tickets live. `reopen` is for every ticket; `reopen_teams`, by team id, wins over it.

    A ticket whose last public message is ours, and an agent's, is closed after `auto_close_after_hours` without a
    word of the customer; null: never (L4). What a blocked customer wrote is hidden for 30 days and then purged, or
    with `block_preset` `hard` purged at once (L9).
    """

    reopen_preset: ReopenPreset = "guide"
    reopen: ReopenRules = ReopenRules()
    reopen_teams: dict[Annotated[str, Field(min_length=1, max_length=100)], TeamReopenRules] = Field(
        default_factory=dict, max_length=200
    )
    auto_close_after_hours: int | None = Field(default=None, ge=1, le=87_600)
    unread_badge: bool = True
    block_preset: Literal["reversible", "hard"] = "reversible"


TicketLimit = Annotated[int, Field(ge=0, le=10_000)]


class Capacity(SettingsShape):
    """How many open tickets an agent may have, in all and of single channels; what is not named is not limited."""

    per_agent: TicketLimit | None = None
    per_channel: dict[Channel, TicketLimit] = Field(default_factory=dict)


class AssignmentSettings(SettingsShape):
    """Who gets new tickets. `schedule_id` None: always open.

    Of those who may be given one, `round_robin` takes whoever was given one longest ago, `least_loaded` whoever has
    the fewest open. `capacity` is for agents without one of their own. A ticket that its assignee does not answer
    within `return_after_minutes` of office time goes back to the queue. Reports count business time by
    `reports_schedule_id`, without one by the hours of assignment.
    """

    round_robin: bool = True
    strategy: Literal["round_robin", "least_loaded"] = "round_robin"
    schedule_id: str | None = None
    assign_backlog_on_open: bool = True
    capacity: Capacity = Capacity()
    return_after_minutes: int | None = Field(default=None, ge=1, le=43_200)
    reports_schedule_id: str | None = Field(default=None, max_length=100)


class SupportAddress(SettingsShape):
    """One support address, how it signs."""

    from_name: str = Field(default="", max_length=200)
    signature: Text = ""


class BasicCredentials(SettingsShape):
    """What a provider was told to send as basic authentication, in the URL it calls."""

    username: str = Field(min_length=1, max_length=200)
    password: Secret


class MailgunInbound(SettingsShape):
    """Proof that a mail comes from this account's Mailgun: the HTTP webhook signing key."""

    signing_key: Secret | None = None


class SendGridInbound(SettingsShape):
    """Proof that a mail comes from this account's SendGrid: its public key (base64 DER), else basic credentials."""

    public_key: str | None = Field(default=None, max_length=1000)
    basic: BasicCredentials | None = None


class PostmarkInbound(SettingsShape):
    """Proof that a mail comes from this account's Postmark: basic credentials, its addresses, or both."""

    username: str = Field(default="", max_length=200)
    password: Secret | None = None
    ips: tuple[IPvAnyNetwork, ...] = Field(default=(), max_length=100)


class EmailSettings(SettingsShape):
    """Support addresses by their address, lower case, how mail providers prove themselves, and mailboxes to read."""

    addresses: dict[str, SupportAddress] = Field(default_factory=dict, max_length=100)
    mailgun: MailgunInbound = MailgunInbound()
    sendgrid: SendGridInbound = SendGridInbound()
    postmark: PostmarkInbound = PostmarkInbound()
    imap: dict[MailboxName, ImapMailbox] = Field(default_factory=dict, max_length=20)


class SmsNumber(SettingsShape):
    """One number and its provider's credentials; several tokens while one is rotated."""

    provider: Literal["twilio"] = "twilio"
    account_sid: str = Field(default="", max_length=100)
    auth_tokens: tuple[Secret, ...] = Field(default=(), max_length=5)


class SmsAutoResponder(SettingsShape):
    """The automatic answer to an SMS (M6); no text: none is sent."""

    mode: Literal["off", "non_consented", "all", "first_of_session"] = "non_consented"
    text: Text = ""


class SmsKeyword(SettingsShape):
    """A keyword of this account's own, and its answer."""

    text: str = Field(default="", max_length=1600)


class SmsSettings(SettingsShape):
    """SMS numbers in E.164 by number, and how they behave."""

    numbers: dict[str, SmsNumber] = Field(default_factory=dict, max_length=100)
    signature_mode: Literal["enforce", "observe"] = "enforce"
    api_base_url: HttpUrl | None = None
    auto_responder: SmsAutoResponder = SmsAutoResponder()
    keywords: dict[str, SmsKeyword] = Field(default_factory=dict, max_length=200)
    link_shortening: bool = True
    attribution_hours: int = Field(default=24, ge=1, le=720)


class ChatSettings(SettingsShape):
    """The widget. No origin given: only our own may embed it."""

    origins: tuple[str, ...] = Field(default=(), max_length=100)
    schedule_id: str | None = None
    support_address: str = Field(default="", max_length=320)
    in_hours_text: Text = ""
    out_of_hours_text: Text = ""
    follow_up_after_seconds: int = Field(default=180, ge=1, le=86_400)
    identity_secret: Secret | None = None


class NotificationSettings(SettingsShape):
    """Alerts to staff: of each new SMS (M7), and of a note that mentions the agent who gets the mail (N3)."""

    new_sms_email: bool = False
    mention_email: bool = True


AREA_SHAPES: dict[Area, type[Shape]] = {
    "account": AccountSettings,
    "tickets": TicketSettings,
    "assignment": AssignmentSettings,
    "email": EmailSettings,
    "sms": SmsSettings,
    "chat": ChatSettings,
    "notifications": NotificationSettings,
    "agents": AgentDirectory,
    "teams": TeamDirectory,
    "schedules": ScheduleDirectory,
}
