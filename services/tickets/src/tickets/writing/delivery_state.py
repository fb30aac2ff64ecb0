"""What became of an outgoing message, when reports arrive twice or out of order (M11). Pure."""

from collections.abc import Mapping

from contracts.deliveries import DeliveryState
from tickets.ticket.model import Delivery

_RANKS: Mapping[DeliveryState, int] = {"queued": 0, "uncertain": 1, "sent": 2, "failed": 3, "delivered": 4}


DELAYED = "delayed: the receiving server keeps trying"
"""The reason of a message that was sent and is late."""


def advances(known: Delivery | None, state: DeliveryState, reason: str | None = None) -> bool:
    """Whether a report says something newer: `delivered` is the last word, and a failure outweighs having been sent.

    What is told of a message that was sent is news as well, once: that it is late, or who in copy did not get it.
    """
    if known is None or _RANKS[state] > _RANKS[known.state]:
        return True
    return known.state == state == "sent" and reason not in {None, known.reason}
