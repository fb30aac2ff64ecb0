"""What services tell one another of people, teams and hours: areas of settings that no person patches as a whole."""

from pydantic import Field

from contracts.envelope import Shape
from contracts.people import Role
from contracts.schedules import Schedule


class AgentEntry(Shape):
    """An agent as other services need to know one."""

    id: str
    name: str
    email: str
    role: Role
    active: bool = True


class AgentDirectory(Shape):
    """Area `agents`: everybody who may answer, by id."""

    agents: dict[str, AgentEntry] = Field(default_factory=dict)


class TeamEntry(Shape):
    """A team as other services need to know one. The default team has every agent, listed or not."""

    id: str
    name: str
    member_ids: tuple[str, ...] = ()
    is_default: bool = False


class TeamDirectory(Shape):
    """Area `teams`, by id."""

    teams: dict[str, TeamEntry] = Field(default_factory=dict)


class ScheduleDirectory(Shape):
    """Area `schedules`, by id: the version in force."""

    schedules: dict[str, Schedule] = Field(default_factory=dict)
