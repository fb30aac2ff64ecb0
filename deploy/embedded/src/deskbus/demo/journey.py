"""The scripted demonstration: customers write by every channel, two agents answer, a table says what happened."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from importlib import resources
from typing import Any

from rich.console import Console
from rich.table import Table

from deskbus.demo.api import Api
from deskbus.demo.ledger import Outcome, outcome_of, verdicts_of
from deskbus.demo.seed import Seeded
from deskbus.demo.senders import ChatVisitor, MailSender, TwilioSender

_MAILS = ("order", "refund", "away", "broken")
_TEXTS = ("Hi, is the shop open today?", "And tomorrow?")


@dataclass(frozen=True, slots=True)
class Target:
    """The running system under demonstration."""

    base_url: str
    account_id: str
    support_address: str
    smtp_host: str
    smtp_port: int


@dataclass(frozen=True, slots=True)
class Sent:
    """One message sent from outside: what it is, for people, and how the ledger names it."""

    label: str
    provider_message_id: str


async def demonstrate(console: Console, target: Target, owner: Api, seeded: Seeded) -> None:
    """Send, answer, and print the table."""
    run = secrets.token_hex(4)
    sent = await _send_mails(target, run) + await _send_texts(target, seeded, run)
    async with ChatVisitor(target.base_url, target.account_id) as visitor:
        await visitor.give_profile("Ana Costa", "ana@visitor.example")
        await visitor.send(f"{run}-1", "Hello, do you ship to Lisbon?")
        sent.append(Sent("chat: do you ship to Lisbon?", f"{visitor.conversation_id}/{run}-1"))
        entries = await verdicts_of(owner, [one.provider_message_id for one in sent], seconds=15)
        outcomes = {name: await outcome_of(owner, entry) for name, entry in entries.items()}
        answered = await _answer(target, seeded, sent, outcomes, visitor)
    _print_table(console, sent, outcomes, answered)


async def _send_mails(target: Target, run: str) -> list[Sent]:
    sent = []
    folder = resources.files("deskbus.demo") / "mails"
    async with MailSender(target.smtp_host, target.smtp_port) as smtp:
        for name in _MAILS:
            text = (folder / f"{name}.eml").read_text(encoding="utf-8")
            date = format_datetime(datetime.now(UTC))
            text = text.format(support=target.support_address, run=run, date=date)
            sender = text.split("<", 1)[1].split(">", 1)[0]
            await smtp.send(sender, target.support_address, text.replace("\n", "\r\n").encode())
            sent.append(Sent(f"mail: {name}.eml", f"{name}.{run}@{sender.split('@')[1]}"))
    return sent


async def _send_texts(target: Target, seeded: Seeded, run: str) -> list[Sent]:
    sent = []
    async with TwilioSender(target.base_url, seeded.auth_token) as twilio:
        for index, text in enumerate((*_TEXTS, "STOP")):
            message_sid = f"SM{run}{index:024d}"
            sender = "+12025550111" if text == "STOP" else "+12025550123"
            (await twilio.send(message_sid, sender, seeded.number, text)).raise_for_status()
            sent.append(Sent(f"SMS: {text}", message_sid))
    return sent


async def _answer(
    target: Target, seeded: Seeded, sent: list[Sent], outcomes: dict[str, Outcome], visitor: ChatVisitor
) -> set[str]:
    """The assignees of the first mail and of the chat reply; which messages were answered."""
    keys = {agent.name: agent.key for agent in seeded.agents}
    answered = set()
    for one, text in ((sent[0], "It left our warehouse today."), (sent[-1], "Yes, within four days.")):
        outcome = outcomes.get(one.provider_message_id)
        if outcome is None or outcome.assignee not in keys:
            continue
        async with Api(target.base_url, keys[outcome.assignee]) as agent:
            await agent.post(f"/v1/tickets/{outcome.ticket_id}/messages", {"text": text})
            if outcome.channel == "web_chat":
                await _until_seen(visitor, text)
        answered.add(one.provider_message_id)
    return answered


async def _until_seen(visitor: ChatVisitor, text: str) -> None:
    frame: dict[str, Any] = {}
    while frame.get("text") != text:
        frame = await visitor.wait_for("message")


def _print_table(console: Console, sent: list[Sent], outcomes: dict[str, Outcome], answered: set[str]) -> None:
    table = Table(title="What happened to each message", title_justify="left")
    for column in ("message", "verdict", "rule", "ticket", "assignee", "why", "answered"):
        table.add_column(column, overflow="fold")
    table.add_column("taken→assigned", justify="right")
    for one in sent:
        outcome = outcomes.get(one.provider_message_id)
        if outcome is None:
            table.add_row(one.label, "[red]no verdict within 15 s[/red]", "", "", "", "", "", "")
            continue
        table.add_row(
            one.label,
            outcome.verdict,
            outcome.rule,
            f"#{outcome.ticket_number}" if outcome.ticket_number else "-",
            outcome.assignee or "-",
            outcome.why,
            "yes" if one.provider_message_id in answered else "",
            f"{outcome.seconds * 1000:.0f} ms" if outcome.assignee else "-",
        )
    console.print(table)
