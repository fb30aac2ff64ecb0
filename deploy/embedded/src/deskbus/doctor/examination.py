"""`deskbus doctor`: one look at everything, from the settings to the certificates."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deskbus.attached import NotRunningError, attached_engines
from deskbus.composition import compose
from deskbus.doctor.certificates import endpoints, look_at_file, look_at_peers
from deskbus.doctor.configuration import Configuration, read_configuration
from deskbus.doctor.engines import look_at_blobs, look_at_bus, look_at_stores
from deskbus.doctor.finding import Finding
from deskbus.doctor.machines import look_at_disks, look_at_redis, look_at_store_clock
from deskbus.doctor.relay import look_at_relay
from deskbus.doctor.secrets import look_at_secrets
from deskbus.doctor.webhooks import look_at_webhooks
from deskbus.engines import Engines
from deskbus.production import local_folders
from ingest_email.settings import IngestEmailSettings
from service_kit.clock import Clock, SystemClock
from service_kit.errors import DeskbusError
from service_kit.settings import PlatformSettings

_READY_SECONDS = 3.0
_COLOURS = {"ok": "green", "warning": "yellow", "failed": "red"}
_UNUSABLE, _UNWELL = 2, 1


async def run_doctor(console: Console, *, home: Path | None, as_json: bool) -> int:
    """Print what is found; the exit code: 0, 1 where something is wrong, 2 where the settings already are."""
    configuration = await read_configuration(home=home)
    findings = _of_settings(configuration)
    if configuration.is_usable and configuration.platform is not None:
        findings += await examine(configuration.platform, SystemClock())
    if as_json:
        for finding in findings:
            console.print(json.dumps(asdict(finding)), soft_wrap=True, highlight=False, markup=False)
    else:
        console.print(_table(findings))
    if not configuration.is_usable:
        return _UNUSABLE
    return _UNWELL if any(finding.state == "failed" for finding in findings) else 0


async def examine(settings: PlatformSettings, clock: Clock, *, ready_seconds: float = _READY_SECONDS) -> list[Finding]:
    """Look at all that the services stand on; nothing is consumed, and nothing changed but probes."""
    try:
        async with attached_engines(settings) as attached:
            engines = replace(attached, ready_timeout_seconds=ready_seconds)
            return [
                *await look_at_redis(engines.redis, clock),
                *await _of_engines(engines, clock),
                *await look_at_relay(settings, clock.now()),
                *await look_at_peers(endpoints(settings), clock.now()),
                *_of_own_certificate(clock),
            ]
    except NotRunningError as error:
        return [Finding("home", "failed", str(error), "start it, and this again")]


async def _of_engines(engines: Engines, clock: Clock) -> list[Finding]:
    try:
        composed = compose(engines)
    except DeskbusError as error:
        return [Finding("settings", "failed", str(error), "see `deskbus check-config`")]
    settings = engines.settings
    folders = local_folders(settings) or ([] if settings.store_url else [settings.home])
    stores = await look_at_stores(composed)
    is_there = all(finding.state == "ok" for finding in stores)
    return [
        *await look_at_bus(composed),
        *stores,
        *(await look_at_store_clock(settings, clock) if is_there else []),
        *await look_at_blobs(composed[0][1].blobs),
        *look_at_disks(folders, settings.minimum_free_bytes),
        *await look_at_secrets(engines),
        *(await look_at_webhooks(engines) if is_there else []),
    ]


def _of_own_certificate(clock: Clock) -> list[Finding]:
    file = IngestEmailSettings().tls_certificate
    return [look_at_file("INGEST_EMAIL_TLS_CERTIFICATE", file, clock.now())] if file is not None else []


def _of_settings(configuration: Configuration) -> list[Finding]:
    return [
        Finding("settings", "failed" if fault.is_fatal else "warning", str(fault), "see `deskbus check-config`")
        for fault in configuration.faults
    ] or [Finding("settings", "ok", "every setting of every service fits")]


def _table(findings: Sequence[Finding]) -> Table:
    table = Table("", "check", "found", "what to do")
    for finding in findings:
        colour = _COLOURS[finding.state]
        table.add_row(f"[{colour}]{finding.state}[/{colour}]", finding.check, escape(finding.says), escape(finding.do))
    return table
