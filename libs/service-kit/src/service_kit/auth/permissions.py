"""What a person or an API key may do, as data (S1). Routes ask for one permission each."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from contracts.people import Role


class Permission(StrEnum):
    """Public contract: these values are also the scopes that an API key may be given."""

    TICKETS_READ = "tickets:read"
    TICKETS_WRITE = "tickets:write"
    MESSAGES_REDACT = "messages:redact"
    CONTACTS_WRITE = "contacts:write"
    CONTACTS_ERASE = "contacts:erase"
    CONTACTS_EXPORT = "contacts:export"
    EVENTS_WRITE = "events:write"
    AGENTS_MANAGE = "agents:manage"
    TEAMS_MANAGE = "teams:manage"
    SETTINGS_READ = "settings:read"
    SETTINGS_MANAGE = "settings:manage"
    MACROS_WRITE = "macros:write"
    REPORTS_READ = "reports:read"
    WEBHOOKS_MANAGE = "webhooks:manage"
    KEYS_MANAGE = "keys:manage"
    AUDIT_READ = "audit:read"
    AVAILABILITY_SET = "availability:set"


EVERY_SCOPE = "*"
"""The scope that stands for everything its holder's role may."""

_SUPPORT = frozenset(
    {
        Permission.TICKETS_READ,
        Permission.TICKETS_WRITE,
        Permission.CONTACTS_WRITE,
        Permission.SETTINGS_READ,
        Permission.REPORTS_READ,
        Permission.AVAILABILITY_SET,
    }
)
_MANAGER = _SUPPORT | {Permission.EVENTS_WRITE, Permission.TEAMS_MANAGE, Permission.MACROS_WRITE}
_EVERYTHING = frozenset(Permission)

ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        # Owner and admin differ only in who may change an owner: a rule of `tickets`, not a permission.
        "owner": _EVERYTHING,
        "admin": _EVERYTHING,
        "manager": _MANAGER,
        "support": _SUPPORT,
    }
)
