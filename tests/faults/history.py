"""What the people outside did and were told: the half of the truth that no crash of the system can touch."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Channel = Literal["email", "sms", "web_chat"]

Fate = Literal["answered", "refused", "unknown"]
"""How a request of an agent ended: done, certainly not done, or nobody ever answered."""


@dataclass(slots=True)
class Inbound:
    """One message of a customer. `marker` stands in its text and nowhere else.

    `place` counts a customer's messages in the order in which they were written; each waited for the acknowledgement
    of the one before. `thread` names what has to stay in one ticket. `attempts` and `acknowledged` count deliveries,
    `delivery_ids` are the names that acknowledgements gave them.
    """

    channel: Channel
    customer: str
    provider_message_id: str
    marker: str
    place: int
    thread: str = ""
    attempts: int = 0
    acknowledged: int = 0
    delivery_ids: list[str] = field(default_factory=list)
    chat_seqs: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Written:
    """What an agent wrote on a ticket: a reply, or a note that must never leave."""

    kind: Literal["reply", "note"]
    ticket_id: str
    channel: Channel
    marker: str
    fate: Fate = "unknown"
    message_id: str | None = None


@dataclass(slots=True)
class History:
    """Everything that was done, in no order but that of each customer. `refusals` are valid messages turned away."""

    inbound: list[Inbound] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    @property
    def acknowledged(self) -> int:
        """How many different messages were acknowledged so far."""
        return sum(message.acknowledged > 0 for message in self.inbound)

    def replies(self, fate: Fate) -> Sequence[Written]:
        """The replies that ended so."""
        return [one for one in self.written if one.kind == "reply" and one.fate == fate]
