"""Somebody who knocks once at every door and tells what was answered."""

import asyncio
from contextlib import AsyncExitStack
from email.message import EmailMessage
from typing import Self

import httpx

from deskbus.demo.senders import TwilioSender
from faults.drama import Drama
from faults.mail_customer import MailServer
from faults.patience import TryLaterError
from faults.widget import Widget
from faults.world import AUTH_TOKEN

ADDRESS = "stranger@faults.example"
PHONE = "+12025550777"
ACCEPTED = "accepted"
SILENCE = "silence"


class Stranger:
    """Knocks at a system; the chat is open before, as it would be for somebody who is surprised by an outage."""

    def __init__(self, drama: Drama, *, patience_seconds: float) -> None:
        self._system, self._cast = drama.system, drama.cast
        self._patience = patience_seconds
        self._mail = MailServer(drama.system.smtp_port)
        self._twilio = TwilioSender(drama.system.base_url, AUTH_TOKEN)
        self._widget = Widget(drama.system.base_url, drama.cast.account_id)

    async def __aenter__(self) -> Self:
        await self._widget.come()
        return self

    async def __aexit__(self, *_: object) -> None:
        async with AsyncExitStack() as stack:
            stack.push_async_exit(self._twilio)
            stack.push_async_callback(self._widget.leave)
            stack.push_async_callback(self._mail.close)

    async def knock(self) -> dict[str, str]:
        """What each door answers: accepted, its own code for "later", or silence."""
        mail, sms, chat = await asyncio.gather(self._write_mail(), self._text(), self._chat())
        return {"mail": mail, "sms": sms, "chat": chat}

    async def _write_mail(self) -> str:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = ADDRESS, self._cast.support_address, "Anybody there?"
        mail["Message-ID"] = "<stranger@faults.example>"
        mail.set_content("Hello.")
        try:
            await self._mail.hand_over(ADDRESS, self._cast.support_address, mail.as_bytes())
        except TryLaterError as error:
            return error.code
        return ACCEPTED

    async def _text(self) -> str:
        try:
            answer = await self._twilio.send("SM" + "f" * 32, PHONE, self._cast.number, "Anybody there?")
        except httpx.HTTPError:
            return SILENCE
        if answer.is_success:
            return ACCEPTED
        return f"{answer.status_code} {answer.json()['code']}"

    async def _chat(self) -> str:
        try:
            async with asyncio.timeout(self._patience):
                await self._widget.say("stranger", "Anybody there?")
        except TimeoutError:
            return SILENCE
        except TryLaterError as error:
            return error.code
        return ACCEPTED
