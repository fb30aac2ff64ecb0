"""Routes whose success belongs into the audit log (S3).

    @router.patch("/{team_id}")
    async def change_team(team_id: str, given: TeamChange, principal: Manager,
                          _act: Annotated[Act, audited("team.changed")]) -> …:

Place it behind the parameter that asks for a permission, so that nothing is stored for who may not. The target is the
last id in the path; a route that makes something sets `act.target_id`.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError

from contracts.audit import AuditAction, AuditRecorded, Detail
from service_kit.audit import AuditTrail, audit_event, bounded
from service_kit.auth.dependency import Authenticated
from service_kit.errors import PermanentError
from service_kit.problem import Problem

_MAX_FIELDS = 50
_MAX_FIELD_CHARACTERS = 200
_MAX_TARGET_CHARACTERS = 320
_DEPTH = 3


@dataclass(slots=True)
class Act:
    """What a request is doing; `details` are ids, counts and states, never secrets or bodies."""

    target_id: str | None
    details: dict[str, Detail] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Audited:
    """The dependency itself; a walk over the routes finds `action` on it."""

    action: AuditAction
    from_path: bool = True

    async def __call__(self, request: Request, principal: Authenticated) -> AsyncIterator[Act]:
        """Store the intent, let the route act, tell the outcome before anybody is answered."""
        trail: AuditTrail = request.app.state.audit_trail
        named = [str(value) for value in request.path_params.values()] if self.from_path else []
        act = Act(named[-1] if named else None)
        fields = await _fields_of(request)
        begun = audit_event(trail.clock, trail.service, principal, self.action, _capped(act.target_id), fields=fields)
        intent = await trail.begin(begun)
        try:
            yield act
        except (Problem, PermanentError, RequestValidationError):
            await trail.withdraw(intent)
            raise
        await trail.done(intent, _told(begun, act))


def audited(action: AuditAction, *, from_path: bool = True) -> Any:
    """A dependency for `Annotated[Act, …]`; it ends with the route's function, before the answer goes out.

    `from_path` false: what the path names is no id but personal data, which the log would keep for ever.
    """
    return Depends(Audited(action, from_path), scope="function")


def field_names(body: object) -> tuple[str, ...]:
    """The names of what a JSON body gives, dotted and without a single value; a map's keys count as names."""
    paths = _paths(body, _DEPTH) if isinstance(body, Mapping) else iter(())
    names = [name[:_MAX_FIELD_CHARACTERS] for name in islice(paths, _MAX_FIELDS + 1)]
    return tuple(names) if len(names) <= _MAX_FIELDS else (*names[:_MAX_FIELDS], "…")


def _paths(value: Mapping[Any, Any], depth: int) -> Iterator[str]:
    for name, part in value.items():
        if depth > 1 and isinstance(part, Mapping) and part:
            yield from (f"{name}.{path}" for path in _paths(part, depth - 1))
        else:
            yield str(name)


async def _fields_of(request: Request) -> tuple[str, ...]:
    if not await request.body():
        return ()
    try:
        return field_names(await request.json())
    except (ValueError, RecursionError):  # not JSON, or far too deep: the route judges it, and names no fields
        return ()


def _told(begun: AuditRecorded, act: Act) -> AuditRecorded:
    return begun.model_copy(update={"target_id": _capped(act.target_id), "details": bounded(act.details)})


def _capped(target_id: str | None) -> str | None:
    return None if target_id is None else target_id[:_MAX_TARGET_CHARACTERS]
