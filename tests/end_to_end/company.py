"""One account as its owner, its agents and its customers see it from outside."""

import itertools
from dataclasses import dataclass
from typing import Any

import httpx

from end_to_end import twilio as provider
from end_to_end.bus import Bus
from end_to_end.caller import Caller
from end_to_end.http_peer import HttpPeer
from end_to_end.mail import Mail, hand_over
from end_to_end.relay import Relay
from end_to_end.running_process import RunningProcess
from end_to_end.until import until
from end_to_end.visitor import Visitor

Json = dict[str, Any]

PASSWORD = "correct-horse-battery"

_phone_numbers = itertools.count(1)


def new_phone() -> str:
    """A number that nobody had before."""
    return f"+1202555{next(_phone_numbers):04d}"


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody who answers, with a key that acts for them."""

    id: str
    name: str
    email: str
    api: Caller

    def go(self, *, online: bool) -> None:
        """Set one's own switch."""
        self.api.put("/v1/agents/me/availability", {"online": online})


class Company:
    """An account; `owner` is its owner's key."""

    def __init__(
        self, owner: Json, client: httpx.Client, process: RunningProcess, relay: Relay, twilio: HttpPeer, bus: Bus
    ) -> None:
        self.account_id: str = owner["account_id"]
        self.support: str = owner["support_address"]
        self.owner_id: str = owner["agent_id"]
        self.credentials: Json = owner
        self.owner = Caller(client, owner["api_key"])
        self.relay = relay
        self.twilio = twilio
        self._process = process
        self._bus = bus
        self._people = itertools.count(1)

    def customer(self, name: str = "customer") -> str:
        """The address of somebody who never wrote before."""
        return f"{name}{next(self._people)}@{self.account_id.replace('_', '-')}.example"

    def agent(self, *, role: str = "support", online: bool = False) -> Agent:
        """A new agent with a key of their own."""
        number = next(self._people)
        name, email = f"Agent {number}", f"agent{number}@{self.account_id.replace('_', '-')}.example"
        added = self.owner.post("/v1/agents", {"name": name, "email": email, "role": role, "password": PASSWORD})
        key = self.owner.post("/v1/api-keys", {"name": "tests", "scopes": ["*"], "agent_id": added["id"]})
        agent = Agent(added["id"], name, email, Caller(self.owner.client, key["key"]))
        if online:
            agent.go(online=True)
        return agent

    def sign_in(self, email: str, password: str = PASSWORD) -> Caller:
        """A session of a person."""
        started = Caller(self.owner.client).post("/v1/sessions", {"email": email, "password": password})
        return Caller(self.owner.client, started["token"])

    def mail(self, sender: str, **parts: Any) -> str:
        """Send a mail to the support address, or to `recipient`; its Message-ID."""
        mail = Mail(sender, **{"recipient": self.support, **parts})
        code, answer = hand_over(self._process.smtp_port, sender, mail.recipient, mail.content())
        assert code == 250, answer
        return mail.message_id

    def deliver(self, sender: str, content: bytes) -> None:
        """Send the bytes of a mail to the support address."""
        code, answer = hand_over(self._process.smtp_port, sender, self.support, content)
        assert code == 250, answer

    def set(self, area: str, patch: Json) -> None:
        """Change settings, and wait until every service has been told: the owner of an area answers before that."""
        self.owner.patch(f"/v1/settings/{area}", patch)
        for group in ("tickets", "router", "ingest-email", "ingest-sms", "webchat-gateway", "notifier", "reporting"):
            self._bus.read_by("settings-events-v1", group)

    def use_number(self) -> str:
        """Give the account an SMS number at the simulated Twilio."""
        number = new_phone()
        credentials = {"provider": "twilio", "account_sid": provider.ACCOUNT_SID, "auth_tokens": [provider.AUTH_TOKEN]}
        self.set("sms", {"numbers": {number: credentials}, "api_base_url": self.twilio.url})
        return number

    def sms(self, sender: str, number: str, text: str, *, sid: str | None = None) -> str:
        """An SMS from a customer by a signed webhook; its SID."""
        sid = sid or provider.new_sid()
        url = f"{self._process.base_url}/v1/sms/twilio/inbound"
        answer = provider.call(self.owner.client, url, provider.inbound_form(sender, number, text, sid))
        assert answer.status_code == 200, answer.text
        return sid

    def visitor(self, *, token: str | None = None, seq: int = 0) -> Visitor:
        """Somebody at the chat widget."""
        return Visitor(self._process.base_url, self.account_id, token=token, seq=seq)

    def verdicts(self, provider_message_id: str, count: int = 1) -> list[Json]:
        """The ledger's entries about a message, oldest first, once there are `count`."""

        def look() -> list[Json]:
            items: list[Json] = self.owner.get("/v1/intake", provider_message_id=provider_message_id)["items"]
            return items[::-1] if len(items) >= count else []

        return until(look)

    def verdict(self, provider_message_id: str) -> Json:
        """The one entry about a message."""
        (entry,) = self.verdicts(provider_message_id)
        return entry

    def ticket_of(self, provider_message_id: str) -> Json:
        """The ticket that a message is in."""
        ticket_id = self.verdict(provider_message_id)["ticket_id"]
        assert ticket_id is not None
        return self.ticket(ticket_id)

    def ticket(self, ticket_id: str) -> Json:
        """A ticket as it is now."""
        ticket: Json = self.owner.get(f"/v1/tickets/{ticket_id}")
        return ticket

    def opened_by_mail(self, sender: str | None = None, **parts: Any) -> Json:
        """A new ticket, by mail."""
        return self.ticket_of(self.mail(sender or self.customer(), **parts))

    def settled(self, ticket: Json) -> Json:
        """A new ticket, once the router has found a team for it and nobody who is online."""
        return until(lambda: now if (now := self.ticket(ticket["id"]))["team"] else None)

    def assigned(self, ticket_id: str) -> Json:
        """A ticket, once somebody has it."""
        return until(lambda: ticket if (ticket := self.ticket(ticket_id))["assignee"] else {})

    def messages(self, ticket_id: str) -> list[Json]:
        """The newest messages of a ticket."""
        items: list[Json] = self.owner.get(f"/v1/tickets/{ticket_id}/messages")["items"]
        return items

    def delivery(self, ticket_id: str, state: str) -> Json:
        """What became of the newest message of a ticket, once it has that state."""

        def look() -> Json | None:
            delivery: Json | None = self.messages(ticket_id)[-1]["delivery"]
            return delivery if delivery and delivery["state"] == state else None

        return until(look)

    def events(self, ticket_id: str) -> list[Json]:
        """Everything that happened to a ticket."""
        return self.owner.everything(f"/v1/tickets/{ticket_id}/events")

    def decisions(self, ticket_id: str) -> list[Json]:
        """Why the router decided what it did about a ticket, oldest first."""
        items: list[Json] = self.owner.get(f"/v1/tickets/{ticket_id}/decisions")["items"]
        return items

    def report(self, kind: str, **data: Any) -> None:
        """A fact from an outside system."""
        event = {"specversion": "1.0", "id": f"{kind}-{next(self._people)}", "source": "/tests", "type": kind}
        self.owner.post("/v1/events", {**event, "data": data})

    def reply_and_get_mail(self, ticket_id: str, customer: str, text: str = "It is on its way.") -> Any:
        """Answer a ticket; the mail that left."""
        before = len(self.relay.mails_to(customer))
        self.owner.post(f"/v1/tickets/{ticket_id}/messages", {"text": text})
        return self.relay.wait_for(customer, before + 1)[before]
