"""The dashboards as code: run, it writes the JSON files beside it; `--check` compares."""  # noqa: INP001 - a program, not a package

import json
import sys
from pathlib import Path

from panels import Dashboard, Panel, dead_letters, http, lag, rate, retries, stat, upkeep

VERDICTS = "tickets_intake_verdicts_total"
REPORTS = "tickets_delivery_reports_total"
PUBLISHED = "deskbus_bus_published_total"
HANDED_OVER = 'topic="inbound-messages-v1"'
HANDLED = rate("deskbus_bus_batch_records_sum", "topic, group")
_TICKETS = 'group="tickets"'
BACKLOG = f"sum by (topic, group) (deskbus_bus_lag_records) / clamp_min({HANDLED}, 0.005)"
BY_READER = "{{topic}} · {{group}}"

OVERVIEW = Dashboard(
    "deskbus-overview",
    "overview",
    "The few signals that say whether customers are heard and answered.",
    [
        stat("Processes down", 'count(up{job="deskbus"} == 0) or vector(0)', red=1),
        stat("Engines not reached", "count(deskbus_ready == 0) or vector(0)", red=1),
        stat("Messages in, per minute", f"60 * sum(rate({PUBLISHED}{{{HANDED_OVER}}}[5m]))"),
        stat("Oldest unpublished", "max(deskbus_outbox_oldest_seconds)", "s", red=60),
        stat("Timers late", "max(max_over_time(deskbus_timers_late_seconds[5m]))", "s", red=60),
        stat(
            "Longest wait for an agent", "max(router_queue_oldest_seconds)", "s", description="Closed hours included."
        ),
        Panel("Verdicts of what came in", [(rate(VERDICTS, "verdict"), "{{verdict}}")], "cps"),
        Panel("What became of what left", [(rate(REPORTS, "channel, state"), "{{channel}} · {{state}}")], "cps"),
        Panel(
            "Time to work off what waits", [(BACKLOG, BY_READER)], "s", "Lag, at the pace of the last minutes.", red=120
        ),
        Panel(
            "Dead letters and quarantine",
            [
                ("sum by (group) (increase(deskbus_bus_dead_letters_total[1h]))", "dead letters · {{group}}"),
                (f'sum by (channel) (increase({VERDICTS}{{verdict="quarantined"}}[1h]))', "quarantined · {{channel}}"),
            ],
            description="Within an hour.",
        ),
        Panel(
            "Errors of our own",
            [(rate("deskbus_http_requests_total", "service", 'status=~"5.."'), "{{service}}")],
            "reqps",
        ),
        Panel(
            "Requests, p99",
            [
                (
                    f"histogram_quantile(0.99, {rate('deskbus_http_request_seconds_bucket', 'service, le')})",
                    "{{service}}",
                )
            ],
            "s",
        ),
    ],
)
INTAKE = Dashboard(
    "deskbus-intake",
    "intake",
    "From the doors to the bus: mail, SMS, chat.",
    [
        Panel("Mail at the SMTP door", [(rate("ingest_email_deliveries_total", "outcome"), "{{outcome}}")], "cps"),
        Panel(
            "Calls of mail providers",
            [(rate("ingest_email_webhooks_total", "provider, outcome"), "{{provider}} · {{outcome}}")],
            "cps",
        ),
        Panel("Mail parsed", [(rate("ingest_email_parsed_total", "outcome"), "{{outcome}}")], "cps"),
        Panel(
            "Mailboxes, by how they fare",
            [("sum by (state) (ingest_email_imap_mailboxes)", "{{state}}")],
            description="Read by IMAP; each by one replica.",
        ),
        Panel("Mailbox last read", [("max(ingest_email_imap_unseen_seconds)", "worst")], "s", red=1800),
        Panel("SMS with a wrong signature", [(rate("sms_bad_signatures_total", "mode"), "{{mode}}")], "cps"),
        Panel("Handed over", [(rate(PUBLISHED, "source", HANDED_OVER), "{{source}}")], "cps"),
        Panel(
            "Taken in while disks have room",
            [("min by (service, instance) (deskbus_admission_open)", "{{service}} · {{instance}}")],
            description="0: new work is refused, and senders try again.",
        ),
        lag('topic="inbound-mail-raw-v1"'),
        dead_letters('topic="inbound-mail-raw-v1"'),
    ],
)
TICKETS = Dashboard(
    "deskbus-tickets",
    "tickets",
    "Messages become tickets; agents work on them.",
    [
        lag('group="tickets"'),
        Panel("Verdicts", [(rate(VERDICTS, "channel, verdict"), "{{channel}} · {{verdict}}")], "cps"),
        Panel(
            "Records at once, median",
            [
                (
                    f"histogram_quantile(0.5, {rate('deskbus_bus_batch_records_bucket', 'topic, le', _TICKETS)})",
                    "{{topic}}",
                )
            ],
            description="Batches grow under load: that is how tickets keeps up.",
        ),
        retries("tickets"),
        *upkeep("tickets"),
        *http("tickets"),
        dead_letters('group="tickets"'),
    ],
)
ROUTING = Dashboard(
    "deskbus-routing",
    "routing",
    "Who answers: the queue and its decisions.",
    [
        lag('group="router"'),
        Panel("Longest wait for an agent", [("max(router_queue_oldest_seconds)", "wait")], "s"),
        Panel(
            "Asked and decided",
            [
                (f'sum(rate({PUBLISHED}{{topic="routing-requests-v1"}}[5m]))', "asked"),
                (f'sum(rate({PUBLISHED}{{topic="assignment-decisions-v1"}}[5m]))', "decided"),
            ],
            "cps",
        ),
        retries("router"),
        *upkeep("router"),
        *http("router"),
        dead_letters('group="router"'),
    ],
)
_FAILED = rate(REPORTS, "channel", 'state="failed"')
_ENDED = rate(REPORTS, "channel", 'state=~"sent|failed"')
SENDING = Dashboard(
    "deskbus-sending",
    "sending",
    "Mail, SMS, webhooks and chat replies on their way out.",
    [
        lag('group=~"notifier|webchat-gateway"'),
        Panel("What became of it", [(rate(REPORTS, "channel, state"), "{{channel}} · {{state}}")], "cps"),
        Panel(
            "Failed, of what ended",
            [(f"{_FAILED} / {_ENDED}", "{{channel}}")],
            "percentunit",
            red=0.1,
        ),
        *upkeep("notifier"),
        *http("notifier"),
        dead_letters('group=~"notifier|webchat-gateway"'),
    ],
)
REPORTING = Dashboard(
    "deskbus-reporting",
    "reporting",
    "The archive of events and the reports made of it.",
    [lag('group="reporting"'), *http("reporting"), dead_letters('group="reporting"')],
)
BUS = Dashboard(
    "deskbus-bus",
    "bus",
    "Every topic and group: what is written, what waits, what is set aside.",
    [
        Panel("Published", [(rate(PUBLISHED, "topic"), "{{topic}}")], "cps"),
        Panel("Handled", [(HANDLED, BY_READER)], "cps"),
        lag(),
        Panel("Delivered and not committed", [("sum by (topic, group) (deskbus_bus_pending_records)", BY_READER)]),
        Panel("Attempts repeated", [(rate("deskbus_bus_retries_total", "topic, group"), BY_READER)], "cps"),
        dead_letters(""),
        Panel(
            "Stopped, or not known",
            [
                ("sum by (topic, group) (deskbus_bus_halts_total)", f"stopped · {BY_READER}"),
                ("sum by (topic, group) (deskbus_bus_unknown_types_total)", f"of a newer release · {BY_READER}"),
            ],
            description="Since the start.",
        ),
    ],
)
DASHBOARDS = (OVERVIEW, INTAKE, TICKETS, ROUTING, SENDING, REPORTING, BUS)


def main(*, check: bool) -> None:
    """Write the files, or say which of them are not what this program makes."""
    folder = Path(__file__).parent
    made = {folder / f"{one.uid}.json": json.dumps(one.as_json(), indent=1, ensure_ascii=False) for one in DASHBOARDS}
    stale = [path for path, text in made.items() if not path.exists() or path.read_text() != f"{text}\n"]
    strange = set(folder.glob("*.json")) - made.keys()
    if check and (stale or strange):
        sys.exit(f"not as dashboards.py makes them: {', '.join(sorted(path.name for path in {*stale, *strange}))}")
    for path in stale:
        path.write_text(f"{made[path]}\n")


if __name__ == "__main__":
    main(check="--check" in sys.argv[1:])
