"""The crash points, each with the passage at which the process dies, in the order in which they are tried.

Some are passed at every start already: there a later passage is the first one under traffic.
"""

from collections.abc import Mapping, Sequence

CRASH_PATHS: Mapping[str, Sequence[str]] = {
    "in": (
        "ingest_email.stored:3",
        "ingest_email.announced:3",
        "webchat.message_stored:2",
        "webchat.message.published:2",
        "webchat.conversation.published:1",
        "bus.before_commit:40",
        "tickets.message_inserted:2",
        "tickets.ticket_written:2",
        "tickets.published:3",
        "contacts.published:1",
    ),
    "out": (
        "router.decision_saved:1",
        "router.assigner.published:1",
        "tickets.decision_applied:1",
        "reporting.archived:2",
        "reporting.cycles_counted:2",
        "notifier.published:2",
        "notifier.accepted:2",
    ),
    "settings": (
        "audit.begun:2",
        "audit.acted:2",
        "audit.told:2",
        "settings.stored:2",
        "settings.published:12",
        "router.team_saved:1",
        "router.schedule_saved:1",
        "router.availability_saved:1",
        "router.availability.published:1",
        "router.agent_limits_saved:1",
        "router.agent_limits.published:1",
        "tickets.agent_saved:1",
    ),
}

BESIDE_THEIR_SERVICE: Sequence[str] = (
    "tickets.merge_claimed:1",
    "tickets.merge_departed:1",
    "tickets.split_intended:1",
    "tickets.split_inserted:1",
    "tickets.split_moved:1",
    "tickets.bulk_begun:1",
    "tickets.bulk_part_done:1",
    "tickets.bulk_part_saved:1",
    "tickets.contact_claimed:1",
    "tickets.contact_absorbed:1",
    "tickets.contact_restored:1",
    "tickets.ticket_erased:1",
    "tickets.message_erased:1",
    "erasures.published:1",
)
"""Points of what nobody does in these plays; tried in the tests of the service."""

FOUNDING: Sequence[str] = ("settings.stored:1", "tickets.account_saved:1", "tickets.owner_saved:1")
"""Points of the very first start, before there is an account that anybody could write to."""
