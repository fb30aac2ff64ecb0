"""Fixtures of ingest-email: the mails of the corpus, and the whole service behind a real SMTP port."""

import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from fastapi import FastAPI

from contracts.envelope import Event
from contracts.topics import INBOUND_MESSAGES, INTAKE_VERDICTS
from ingest_email.address_book import AddressBook
from ingest_email.app import create_service
from ingest_email.settings import IngestEmailSettings
from service_kit.bus import Subscription
from service_kit.bus.port import BusUnavailable
from service_kit.platform import Platform
from service_kit.testing.certificate import write_certificate as new_certificate
from service_kit.testing.platforms import PlatformFactory

_MAILS = Path(__file__).parent / "mails"


@pytest.fixture
def mail() -> Callable[[str], bytes]:
    """The raw bytes of a mail of the corpus, by name."""
    return lambda name: (_MAILS / f"{name}.eml").read_bytes()


@pytest.fixture
def write_certificate(tmp_path: Path) -> Callable[[str], tuple[Path, Path]]:
    """Writes a certificate for a name, and its key, always to the same two files: what they are called."""

    def write(name: str) -> tuple[Path, Path]:
        made = new_certificate(tmp_path, until=datetime.now(UTC) + timedelta(hours=1), host=name)
        return made.public, made.key

    return write


@dataclass
class RunningService:
    """The service while it runs, with account `acc_1` at support@acme.example and `acc_2` at help@other.example."""

    platform: Platform
    port: int
    book: AddressBook
    api: FastAPI
    events: list[Event] = field(default_factory=list)

    async def send(
        self,
        content: bytes,
        *,
        sender: str = "jane@customer.example",
        to: Sequence[str] = ("support@acme.example",),
    ) -> tuple[int, str]:
        """Offer one mail over a connection of its own; code and text of the answer to the data."""
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=self.port, start_tls=False, timeout=20) as client:
            await client.ehlo()
            await client.mail(sender)
            for recipient in to:
                await client.rcpt(recipient)
            answer = await client.data(content)
        return answer.code, answer.message


Change = Callable[[Platform], Platform]


class BusSwitch:
    """A change of the platform: its real bus, until a test cuts it off. Everything but `publish` goes through."""

    def __init__(self) -> None:
        self.is_down = False
        self._bus: Any = None

    def __call__(self, platform: Platform) -> Platform:
        """The platform with this as its bus."""
        self._bus = platform.bus
        return replace(platform, bus=self)  # type: ignore[arg-type]

    async def publish(self, events: Sequence[Event]) -> None:
        """Publish, or fail as an engine that does not confirm."""
        if self.is_down:
            raise BusUnavailable("the test cut the bus off")
        await self._bus.publish(events)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)


@pytest.fixture
def bus_switch() -> BusSwitch:
    """For `serving(change=…)`: cuts the bus off."""
    return BusSwitch()


@pytest.fixture
def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture
def serving(make_platform: PlatformFactory, free_port: int) -> Callable[..., AbstractAsyncContextManager[Any]]:
    """What runs the service, with any of its settings.

    `change` may wrap parts of its platform; every other argument is a setting.
    """

    @asynccontextmanager
    async def serve(*, change: Change = lambda platform: platform, **settings: Any) -> AsyncIterator[RunningService]:
        made = make_platform("ingest-email")
        ported = made.settings.model_copy(update={"smtp_port": free_port})
        platform = change(replace(made, settings=ported))
        service = create_service(platform, IngestEmailSettings(**settings))
        email = RunningService(platform, free_port, AddressBook(platform), service.api)
        tickets = make_platform("tickets").bus

        async def note(events: Sequence[Event]) -> None:
            email.events.extend(events)

        tickets.subscribe(Subscription(INBOUND_MESSAGES, "tickets", note))
        tickets.subscribe(Subscription(INTAKE_VERDICTS, "tickets", note))
        async with make_platform.running((service, platform)):
            await tickets.start()
            for account_id, address in (("acc_1", "support@acme.example"), ("acc_2", "help@other.example")):
                await email.book.area.ensure(account_id)
                await email.book.area.patch(account_id, {"addresses": {address: {}}})
            try:
                yield email
            finally:
                await tickets.stop()

    return serve
