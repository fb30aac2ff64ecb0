"""The bus is away for a minute: mail servers are told to come again, and every mail they then bring is there, once."""

import asyncio
import signal
from email.message import EmailMessage
from pathlib import Path
from random import Random

import pytest

from faults.budget import Endless
from faults.drama import Drama, Stage, played
from faults.mail_customer import MailServer
from faults.patience import TryLaterError
from faults.stranger import ACCEPTED, ADDRESS
from service_kit.testing.eventually import eventually

pytestmark = [pytest.mark.faults]

MINUTE_SECONDS = 60.0


@pytest.mark.timeout(240)
async def test_a_minute_without_a_bus_costs_mail_nothing_but_time(stage: Stage, tmp_path: Path, chance: Random) -> None:
    """Senders get 451 for as long as nothing can be stored, their servers try again, and nothing is lost (I3, X0)."""
    async with played(stage, tmp_path, chance, customers=4) as drama:
        await drama.system.boot()
        enough = Endless()
        async with asyncio.TaskGroup() as group:
            group.create_task(drama.crowd.write(enough, pause_seconds=0.5))
            for agent in drama.agents:
                group.create_task(agent.work(enough, pause_seconds=0.5))
            await eventually(lambda: drama.history.acknowledged >= 10, seconds=20)
            answers = await _answers_for_a_minute(drama)
            known = drama.history.acknowledged
            await eventually(lambda: drama.history.acknowledged >= known + 10, seconds=60)
            enough.end()
        broken = await drama.verdict()

    assert set(answers) == {"451"}
    assert len(answers) > 1
    assert broken == []


async def _answers_for_a_minute(drama: Drama) -> list[str]:
    """What a mail server hears that tries the same mail again and again while the bus stands still."""
    loop, server, answers = asyncio.get_running_loop(), MailServer(drama.system.smtp_port), list[str]()
    drama.system.signal_valkey(signal.SIGSTOP)
    over_at = loop.time() + MINUTE_SECONDS
    try:
        while loop.time() < over_at:
            answers.append(await _answer(server, drama.cast.support_address))
    finally:
        drama.system.signal_valkey(signal.SIGCONT)
        await server.close()
    return answers


async def _answer(server: MailServer, recipient: str) -> str:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = ADDRESS, recipient, "Anybody there?"
    mail["Message-ID"] = "<stranger@faults.example>"
    mail.set_content("Hello.")
    try:
        await server.hand_over(ADDRESS, recipient, mail.as_bytes())
    except TryLaterError as error:
        return error.code
    return ACCEPTED
