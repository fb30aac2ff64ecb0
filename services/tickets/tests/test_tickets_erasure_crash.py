"""Kills a real tickets service while it forgets somebody, and lets the next life finish it (S3)."""

import asyncio
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.directories import TeamDirectory
from contracts.people import Attachment
from contracts.settings import AccountSettings, AssignmentSettings, EmailSettings, SettingsChanged, TicketSettings
from service_kit.blobs import BlobMissing
from service_kit.docstore import Eq
from service_kit.testing.callers import sign_in
from service_kit.testing.eventually import eventually
from service_kit.testing.manual_clock import ManualClock
from tickets.app import create_service
from tickets.ledger.intake_entry import INTAKE
from tickets.ticket.model import MESSAGES

DYING_SERVICE = """
import asyncio, sys
from pathlib import Path
import httpx
from service_kit.crash_points import arm_from
from service_kit.testing.callers import sign_in
from service_kit.testing.platforms import PlatformFactory
from tickets.app import create_service

async def main():
    home, url, point, path = sys.argv[1:]
    platforms = PlatformFactory(Path(home), url)
    platform = platforms("tickets")
    service = create_service(platform)
    async with platforms.running((service, platform)):
        transport = httpx.ASGITransport(app=service.api)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
            http.headers.update(await sign_in(platform))
            arm_from(point)
            await http.post(path)
            await asyncio.Event().wait()  # for the timer, which dies

asyncio.run(main())
"""

SETTINGS = {
    "account": AccountSettings(),
    "tickets": TicketSettings(),
    "assignment": AssignmentSettings(),
    "email": EmailSettings(),
    "teams": TeamDirectory(),
}
PAST_THE_LEASE = timedelta(minutes=2)

pytestmark = pytest.mark.faults


@pytest.mark.timeout(120)
@pytest.mark.parametrize("point", ["tickets.ticket_erased:1", "tickets.message_erased:1", "erasures.published:1"])
async def test_a_killed_erasure_is_finished_by_the_next_life(
    make_platform: Any, running: Any, inbox: Any, tmp_path: Path, valkey_url: str, point: str
) -> None:
    """Wherever an erasure is killed: no text, no file and no name is left when the next life is done (S3)."""
    other, platform = make_platform("reporting"), make_platform("tickets")
    await other.bus.start()
    file = Attachment(id="att_1", name="f", content_type="text/plain", size=1, blob_key="acc_1/attachment/f")
    await platform.blobs.put(file.blob_key, b"f")
    now = datetime.now(UTC)
    mail = inbox.mail("secret", attachments=(file,), received_at=now)
    settings = [
        SettingsChanged.model_validate(
            {"id": f"evt_{area}", "account_id": "acc_1", "time": now, "area": area, "version": 1}
            | {"value": value.model_dump(mode="json")}
        )
        for area, value in SETTINGS.items()
    ]

    async def entry() -> Any:
        return await platform.store.collection(INTAKE).get(mail.id)

    async with running((create_service(platform), platform)):
        await other.bus.publish([*settings, mail])
        ticket_id = (await eventually(entry, seconds=20)).ticket_id
        messages = await platform.store.collection(MESSAGES).find(Eq("ticket_id", ticket_id))
        contact_id = messages.items[0].author.id
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DYING_SERVICE, str(tmp_path), valkey_url, point, f"/v1/contacts/{contact_id}/erase",
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    async with asyncio.timeout(60):
        ended = await child.wait()
    next_life = make_platform("tickets", clock=ManualClock(now + PAST_THE_LEASE))
    service = create_service(next_life)
    async with running((service, next_life)):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=service.api), base_url="http://x") as http:
            http.headers.update(await sign_in(next_life))

            async def is_announced() -> bool:
                answer = await http.get(f"/v1/contacts/{contact_id}/erasure")
                return bool(answer.json().get("state") == "announced")

            await eventually(is_announced, seconds=20)
        left = await next_life.store.collection(MESSAGES).find(Eq("ticket_id", ticket_id))
        ledger = await next_life.store.collection(INTAKE).get(mail.id)
    await other.bus.stop()

    assert ended == -signal.SIGKILL
    assert [(message.text, message.attachments) for message in left.items] == [("", ())]
    assert ledger.provider_message_id != mail.provider_message_id
    with pytest.raises(BlobMissing):
        await next_life.blobs.get(file.blob_key)
