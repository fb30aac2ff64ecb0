"""What the parts of one request tell each other, beside the request itself."""

from dataclasses import dataclass, field

from starlette.types import Scope

from contracts.ids import new_id

_SCOPE_KEY = "deskbus"


@dataclass(slots=True)
class RequestState:
    """One request: its id, and its idempotency id if it has a key."""

    request_id: str = field(default_factory=lambda: new_id("req"))
    idempotency_id: str | None = None


def request_state(scope: Scope) -> RequestState:
    """The state of the request of this scope; made at the first call."""
    state = scope.setdefault(_SCOPE_KEY, RequestState())
    if not isinstance(state, RequestState):
        raise TypeError(f"scope[{_SCOPE_KEY!r}] belongs to the request state")
    return state
