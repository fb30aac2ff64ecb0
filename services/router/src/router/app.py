"""Composition of the router."""

from dataclasses import dataclass
from functools import partial

from contracts.directories import ScheduleDirectory, TeamDirectory
from contracts.settings import AssignmentSettings
from router.assigning.account_facts import AccountFactsReader
from router.assigning.assigner_store import AssignerStore
from router.assigning.assignment_api import assignment_router
from router.assigning.assignment_workflow import AssignmentWorkflow
from router.assigning.decision_store import DecisionStore
from router.assigning.simulation import Simulation
from router.assigning.simulation_api import simulation_router
from router.availability.agent_limits_api import agent_limits_router
from router.availability.agent_limits_store import AgentLimitsStore
from router.availability.agent_limits_workflow import AgentLimitsWorkflow
from router.availability.availability_api import availability_router
from router.availability.availability_store import AvailabilityStore
from router.availability.availability_workflow import AvailabilityWorkflow
from router.contact_copies import ContactCopies
from router.directory_publisher import DirectoryPublisher
from router.documented_problems import PROBLEMS
from router.erasure import RouterErasure
from router.names import Names
from router.new_accounts import NewAccounts
from router.queue.queue_age import QueueAge
from router.queue.queue_store import QueueStore
from router.queue.rekey import Rekey
from router.queue.wakes import Wakes
from router.schedules.calendar_api import calendar_router
from router.schedules.calendar_import import CalendarImport
from router.schedules.calendar_reader import CalendarReader
from router.schedules.schedule_store import ScheduleStore
from router.schedules.schedule_use import ScheduleUse
from router.schedules.schedule_workflow import ScheduleWorkflow, check_schedule, warn_of_schedules
from router.schedules.schedules_api import schedules_router
from router.subscriptions import GROUP, subscribe
from router.teams.team_store import TeamStore
from router.teams.team_workflow import TeamWorkflow
from router.teams.teams_api import teams_router
from service_kit.audit import AuditTrail
from service_kit.auth.credentials import Credentials
from service_kit.erasure import Obedience
from service_kit.http import create_api
from service_kit.outbox import Outbox
from service_kit.platform import Platform
from service_kit.service import Service
from service_kit.settings_area import SettingsArea
from service_kit.settings_copies import SettingsCopies
from service_kit.timers import Timers
from service_kit.worker import PeriodicWorker

PREFIXES = (
    "/v1/agents/{agent_id}/availability",
    "/v1/assignment",
    "/v1/availability",
    "/v1/queue",
    "/v1/schedules",
    "/v1/settings/assignment",
    "/v1/teams",
    "/v1/tickets/{ticket_id}/decisions",
)

_LOGOUT_SECONDS = 0.5
_LOST_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Areas:
    """What the router publishes of its own, and the copies it keeps of what others publish."""

    assignment: SettingsArea[AssignmentSettings]
    teams: DirectoryPublisher[TeamDirectory]
    schedules: DirectoryPublisher[ScheduleDirectory]
    copies: SettingsCopies


def create_service(platform: Platform) -> Service:
    """The service on a platform; its subscriptions are declared on the platform's bus."""
    bus, store, clock = platform.bus, platform.store, platform.clock
    teams, schedules, switches = TeamStore(store), ScheduleStore(store), AvailabilityStore(store)
    assigners, queue, decisions = AssignerStore(store), QueueStore(store), DecisionStore(store)
    limits, contacts, wakes = AgentLimitsStore(store), ContactCopies(store, bus), Wakes(bus, assigners, clock)
    areas = _areas(platform, teams, schedules, wakes)

    assigner_outbox = Outbox(assigners.collection, bus, clock, load=decisions.keep, name="router.assigner")
    switch_outbox = Outbox(switches.collection, bus, clock, name="router.availability")
    limits_outbox = Outbox(limits.collection, bus, clock, name="router.agent_limits")
    availability = AvailabilityWorkflow(switches, switch_outbox, Credentials(platform.redis, clock), clock)
    facts = AccountFactsReader(areas.assignment, teams, schedules, switches, limits, contacts, areas.copies)
    Obedience(platform, GROUP, RouterErasure(store).forget)
    subscribe(bus, Rekey(bus), contacts, AssignmentWorkflow(assigners, queue, facts, assigner_outbox, clock))

    team_workflow = TeamWorkflow(teams, areas.teams, areas.copies, clock)
    schedule_use = ScheduleUse(areas.assignment, areas.copies)
    schedule_workflow = ScheduleWorkflow(schedules, areas.schedules, schedule_use, clock)
    routers = (
        teams_router(team_workflow, areas.copies),
        schedules_router(schedule_workflow, schedules),
        calendar_router(CalendarImport(schedule_workflow, CalendarReader(), clock)),
        availability_router(availability, switches, areas.copies, areas.assignment),
        agent_limits_router(AgentLimitsWorkflow(limits, limits_outbox, areas.copies, clock), assigners),
        assignment_router(queue, decisions, Names(teams, areas.copies)),
        simulation_router(Simulation(assigners, queue, facts, clock)),
        areas.assignment.router(warn=partial(warn_of_schedules, schedules)),
    )
    return Service(
        name="router",
        api=create_api(platform, service="router", title="Deskbus: who answers", routers=routers, problems=PROBLEMS),
        prefixes=PREFIXES,
        prepare=(areas.assignment.republish, areas.teams.prepare, areas.schedules.prepare),
        workers=(
            assigner_outbox.worker(platform.metrics),
            switch_outbox.worker(platform.metrics),
            limits_outbox.worker(platform.metrics),
            Timers(assigners.collection, clock, wakes.hours_open).worker(platform.metrics, "opening hours"),
            Timers(queue.collection, clock, wakes.ticket_due).worker(platform.metrics, "queue"),
            QueueAge(queue, clock, platform.metrics).worker(),
            PeriodicWorker("router.logouts", _LOGOUT_SECONDS, availability.end_logged_out),
            PeriodicWorker("router.lost_sessions", _LOST_SECONDS, availability.end_lost),
            AuditTrail(platform, GROUP).worker(),
        ),
    )


def _areas(platform: Platform, teams: TeamStore, schedules: ScheduleStore, wakes: Wakes) -> _Areas:
    assignment = SettingsArea(platform, "assignment", AssignmentSettings, check=partial(check_schedule, schedules))
    team_directory = DirectoryPublisher(SettingsArea(platform, "teams", TeamDirectory), teams.directory)
    schedule_directory = DirectoryPublisher(SettingsArea(platform, "schedules", ScheduleDirectory), schedules.directory)
    new_accounts = NewAccounts(assignment, teams, team_directory, schedule_directory, platform.clock)
    copies = SettingsCopies(
        platform,
        GROUP,
        areas=("account", "agents", "chat"),
        on_account=(new_accounts.set_up,),
        on_change=(wakes.settings_changed,),
    )
    return _Areas(assignment, team_directory, schedule_directory, copies)
