"""What a relay says of a mail: one answer for the mail, and one for each recipient it does not take. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from notifier.errors import Deferred, Refused

_PERMANENT = 500
_MOST_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class RelayAnswer:
    """A code of SMTP and its text, which may begin with an enhanced status code (RFC 2034)."""

    code: int
    text: str

    @property
    def is_final(self) -> bool:
        """Whether it will be the same another time."""
        return self.code >= _PERMANENT

    def __str__(self) -> str:
        return f"{self.code} {' '.join(self.text.split())}"[:_MOST_CHARACTERS]

    def failure(self) -> Deferred | Refused:
        """The same where it is said of the whole mail."""
        return Refused(str(self)) if self.is_final else Deferred(str(self))


@dataclass(frozen=True, slots=True)
class Handed:
    """How handing a message over ended. `answer` is the other side's word for it, empty where it took it for nobody.

    `refused` are recipients that it did not take, as they were given; every other one has the message. `left_out` are
    those that were not tried, each with the reason.
    """

    answer: str
    refused: Mapping[str, RelayAnswer] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)

    def require(self, recipient: str) -> None:
        """Nothing, where the recipient was taken.

        Raises:
            Deferred: not now.
            Refused: never.
        """
        if (refusal := self.refused.get(recipient)) is not None:
            raise refusal.failure()
