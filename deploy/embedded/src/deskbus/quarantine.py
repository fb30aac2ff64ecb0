"""`deskbus quarantine`: what the gateways set aside, looked at and put on its way again."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from contracts.settings import SmsSettings
from deskbus.attached import attached_engines
from deskbus.engines import Engines
from ingest_email.quarantine.quarantine import Quarantine
from ingest_email.quarantine.quarantine_shelf import MailShelf
from ingest_email.settings import IngestEmailSettings
from ingest_sms.quarantine_shelf import WebhookShelf
from ingest_sms.store import SmsStore
from ingest_sms.workflow import SmsWorkflow
from service_kit.clock import SystemClock
from service_kit.errors import DeskbusError
from service_kit.platform import Platform
from service_kit.problem import Problem
from service_kit.quarantine import (
    KeptAside,
    NotSetAsideError,
    QuarantineQuery,
    QuarantineShelf,
    ReplayRefusedError,
)
from service_kit.settings import PlatformSettings
from service_kit.settings_area import SettingsArea

_PAGE = 200

Shelves = Mapping[str, QuarantineShelf]


class NotAllReplayedError(DeskbusError):
    """Something stayed in quarantine, and has been named."""


async def run_list(
    console: Console, settings: PlatformSettings, query: QuarantineQuery, *, limit: int, as_json: bool
) -> None:
    """Print at most `limit` deliveries of each channel, oldest first."""
    async with _attached_shelves(settings) as shelves:
        found = [kept for shelf in shelves.values() for kept in await _of(shelf, query, limit)]
    if as_json:
        for kept in found:
            console.print(_json(kept), soft_wrap=True, highlight=False, markup=False)
        return
    console.print(_table(found))


async def run_show(console: Console, settings: PlatformSettings, kept_id: str, *, raw: bool) -> None:
    """Print one delivery, or its payload as it came."""
    async with _attached_shelves(settings) as shelves:
        shelf, kept = await _find(shelves, kept_id)
        text = (await shelf.raw(kept_id)).decode(errors="replace") if raw else _json(kept, indent=2)
    console.print(text, soft_wrap=True, highlight=False, markup=False)


async def run_replay_quarantined(
    console: Console,
    settings: PlatformSettings,
    ids: Sequence[str],
    *,
    query: QuarantineQuery | None,
    trusted: bool,
) -> None:
    """Replay these deliveries, or all of a query, and say of each that stays why.

    Raises:
        NotAllReplayedError: at least one stays.
    """
    async with _attached_shelves(settings) as shelves:
        chosen = [await _find(shelves, one) for one in ids]
        if query is not None:
            chosen += [(shelf, kept) for shelf in shelves.values() for kept in await _of(shelf, query, None)]
        refused = 0
        with Progress(console=console, transient=True) as progress:
            for shelf, kept in progress.track(chosen, description="replaying"):
                try:
                    await shelf.replay(kept.id, trusted=trusted)
                except (ReplayRefusedError, Problem) as error:
                    refused += 1
                    console.print(escape(str(error)), soft_wrap=True, highlight=False)
    console.print(f"{len(chosen) - refused} of {len(chosen)} are on their way again; see /v1/intake", highlight=False)
    if refused:
        raise NotAllReplayedError(f"{refused} stay in quarantine")


def everything(account_id: str | None, *, replayed: bool = False) -> QuarantineQuery:
    """What is there now; what comes while a command works is not its business."""
    return QuarantineQuery(SystemClock().now(), account_id, replayed)


async def _of(shelf: QuarantineShelf, query: QuarantineQuery, limit: int | None) -> list[KeptAside]:
    found: list[KeptAside] = []
    cursor: str | None = None
    while limit is None or len(found) < limit:
        wanted = _PAGE if limit is None else min(_PAGE, limit - len(found))
        items, cursor = await shelf.page(query, limit=wanted, cursor=cursor)
        found.extend(items)
        if cursor is None:
            break
    return found


async def _find(shelves: Shelves, kept_id: str) -> tuple[QuarantineShelf, KeptAside]:
    for shelf in shelves.values():
        kept = await shelf.find(kept_id)
        if kept is not None:
            return shelf, kept
    raise NotSetAsideError(kept_id)


@asynccontextmanager
async def _attached_shelves(settings: PlatformSettings) -> AsyncIterator[Shelves]:
    async with attached_engines(settings) as engines, AsyncExitStack() as stack:
        email, sms = _mail_shelf(engines), _webhook_shelf(engines)
        for platform, _ in (email, sms):
            for engine in (platform.store, platform.bus):
                await engine.start()
                stack.push_async_callback(engine.stop)
        yield {"email": email[1], "sms": sms[1]}


def _mail_shelf(engines: Engines) -> tuple[Platform, QuarantineShelf]:
    platform = engines.platform_of("ingest-email")
    share = IngestEmailSettings().quarantine_per_source_max
    return platform, MailShelf(platform, Quarantine(platform.store, per_source_max=share))


def _webhook_shelf(engines: Engines) -> tuple[Platform, QuarantineShelf]:
    platform = engines.platform_of("ingest-sms")
    store = SmsStore(platform.store)
    area = SettingsArea(platform, "sms", SmsSettings)
    workflow = SmsWorkflow(store, platform.bus, platform.clock)
    return platform, WebhookShelf(store, area, workflow, platform.bus, platform.clock)


def _json(kept: KeptAside, *, indent: int | None = None) -> str:
    return json.dumps({**asdict(kept), "received_at": kept.received_at.isoformat()}, indent=indent)


def _table(found: Sequence[KeptAside]) -> Table:
    table = Table("id", "received", "channel", "for", "from", "reason", "bytes", "state")
    table.columns[0].no_wrap = True
    for kept in found:
        state = "waiting" if kept.is_waiting else "replayed"
        cells = (kept.id, f"{kept.received_at:%Y-%m-%d %H:%M}Z", kept.channel, kept.mailbox, kept.source, kept.reason)
        table.add_row(*(escape(cell) for cell in cells), str(kept.size), f"{state} ({kept.replays} replays)")
    return table
