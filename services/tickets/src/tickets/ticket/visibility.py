"""Who may see which message (W5, N1). Pure."""

from contracts.tickets import MessageKind

_FOR_CUSTOMERS: frozenset[MessageKind] = frozenset({"outbound", "system"})


def may_leave(kind: MessageKind) -> bool:
    """Whether a message of this kind may be sent to a customer: what is not listed, above all a note, never is."""
    return kind in _FOR_CUSTOMERS
