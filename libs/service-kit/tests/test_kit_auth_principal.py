import pytest

from contracts.people import Actor, Role
from service_kit.auth import ROLE_PERMISSIONS, Permission, Principal
from service_kit.auth.bearer import bearer_token


def session(role: Role) -> Principal:
    """A person's session."""
    return Principal("acc_1", "agent", "agt_1", role, frozenset({"*"}), "ses_1")


def key(*scopes: str, role: Role | None = None, agent_id: str | None = None) -> Principal:
    """An API key."""
    return Principal("acc_1", "service", agent_id, role, frozenset(scopes), "key_1")


def test_each_role_may_what_the_lower_one_may():
    """Support ⊂ manager ⊂ admin = owner (S1); the owner may everything."""
    support, manager, admin, owner = (ROLE_PERMISSIONS[role] for role in ("support", "manager", "admin", "owner"))

    assert support < manager < admin == owner == frozenset(Permission)


@pytest.mark.parametrize("permission", sorted(Permission))
def test_support_may_answer_and_no_more(permission: Permission):
    """Who answers reads and writes tickets and contacts, sees settings and reports, and is available (S1)."""
    may = session("support").may(permission)

    assert may == (
        permission
        in {
            Permission.TICKETS_READ,
            Permission.TICKETS_WRITE,
            Permission.CONTACTS_WRITE,
            Permission.SETTINGS_READ,
            Permission.REPORTS_READ,
            Permission.AVAILABILITY_SET,
        }
    )


def test_scopes_limit_a_key():
    """A key may what its scopes say, and nothing else (S2)."""
    granted = {permission for permission in Permission if key("events:write", "tickets:read").may(permission)}

    assert granted == {Permission.EVENTS_WRITE, Permission.TICKETS_READ}


def test_a_scope_never_exceeds_the_role():
    """A key of a support agent cannot be scoped into managing settings; `*` is everything its role may (S2)."""
    scoped = key("settings:manage", "tickets:read", role="support", agent_id="agt_1")
    everything = key("*", role="support", agent_id="agt_1")

    assert {permission for permission in Permission if scoped.may(permission)} == {Permission.TICKETS_READ}
    assert {permission for permission in Permission if everything.may(permission)} == ROLE_PERMISSIONS["support"]


def test_a_key_without_scopes_may_nothing():
    """No scope is no permission, whatever the role."""
    assert not any(key(role="owner", agent_id="agt_1").may(permission) for permission in Permission)


@pytest.mark.parametrize(
    ("principal", "actor"),
    [
        (session("support"), Actor(kind="agent", id="agt_1")),
        (key("*"), Actor(kind="service", id="key_1")),
        (key("*", agent_id="agt_1", role="support"), Actor(kind="agent", id="agt_1")),
    ],
    ids=["session", "key", "key of an agent"],
)
def test_the_history_names_the_agent_where_there_is_one(principal: Principal, actor: Actor):
    """What a key does for an agent is the agent's doing; what it does alone is the key's (L5)."""
    assert principal.actor == actor


def test_a_session_belongs_to_somebody():
    """There is no session without agent or role."""
    with pytest.raises(ValueError, match="session"):
        Principal("acc_1", "agent", None, "admin", frozenset(), "ses_1")
    with pytest.raises(ValueError, match="session"):
        Principal("acc_1", "agent", "agt_1", None, frozenset(), "ses_1")


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("Basic abc", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("abc", None),
        ("", None),
        (None, None),
        ("Bearer " + "x" * 513, None),
    ],
)
def test_the_bearer_header(header: str | None, token: str | None):
    """Only a bearer token of a sane length is one."""
    assert bearer_token(header) == token
