"""Kills a real tickets service while it forgets somebody, and lets the next life finish it (S3)."""

import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from contracts.people import Attachment
from service_kit.blobs import BlobMissing
from service_kit.docstore import Eq
from service_kit.testing.callers import sign_in
from service_kit.testing.dying_service import Request
from service_kit.testing.eventually import eventually
from service_kit.testing.manual_clock import ManualClock
from tickets.app import create_service
from tickets.ledger.intake_entry import INTAKE
from tickets.ticket.model import MESSAGES

PAST_THE_LEASE = timedelta(minutes=2)

pytestmark = pytest.mark.faults


@pytest.mark.timeout(120)
@pytest.mark.parametrize("point", ["tickets.ticket_erased:1", "tickets.message_erased:1", "erasures.published:1"])
async def test_a_killed_erasure_is_finished_by_the_next_life(
    make_platform: Any, running: Any, inbox: Any, first_settings: Any, dies_at: Any, point: str
) -> None:
    """Wherever an erasure is killed: no text, no file and no name is left when the next life is done (S3)."""
    other, platform = make_platform("reporting"), make_platform("tickets")
    await other.bus.start()
    file = Attachment(id="att_1", name="f", content_type="text/plain", size=1, blob_key="acc_1/attachment/f")
    await platform.blobs.put(file.blob_key, b"f")
    now = datetime.now(UTC)
    mail = inbox.mail("secret", attachments=(file,), received_at=now)

    async def entry() -> Any:
        return await platform.store.collection(INTAKE).get(mail.id)

    async with running((create_service(platform), platform)):
        await other.bus.publish([*first_settings(now), mail])
        ticket_id = (await eventually(entry, seconds=20)).ticket_id
        messages = await platform.store.collection(MESSAGES).find(Eq("ticket_id", ticket_id))
        contact_id = messages.items[0].author.id
    ended = await dies_at(point, Request(path=f"/v1/contacts/{contact_id}/erase"))
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
