"""What became of an outgoing message, when reports arrive twice or out of order (M11). Pure."""

from collections.abc import Mapping

from contracts.deliveries import DeliveryState
from tickets.model import Delivery

_RANKS: Mapping[DeliveryState, int] = {"queued": 0, "uncertain": 1, "sent": 2, "failed": 3, "delivered": 4}


def advances(known: Delivery | None, state: DeliveryState) -> bool:
    """Whether a report says something newer: `delivered` is the last word, and a failure outweighs having been sent."""
    return known is None or _RANKS[state] > _RANKS[known.state]
