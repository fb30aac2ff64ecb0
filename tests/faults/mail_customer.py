"""Customers who write mail: new questions, additions to them, and answers to our mails.

Their mail server tries a mail again, under the same Message-ID, until it is taken; now and then it sends one twice.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from random import Random

import aiosmtplib

from faults.history import History, Inbound
from faults.mail_sink import MailSink, SunkMail
from faults.patience import ANSWER_SECONDS, Patience, RefusedForGoodError, TryLaterError

_PERMANENT = 500
_DELIVERY_ID = re.compile(r"dlv_[0-9a-f]+")
_TWICE = 0.1


class MailServer:
    """One connection to the system's SMTP door, opened anew whenever it broke."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._client: aiosmtplib.SMTP | None = None

    async def hand_over(self, sender: str, recipient: str, content: bytes) -> str:
        """The 250 that the door answered.

        Raises:
            TryLaterError: it answered 4xx, or the connection broke, perhaps after it had taken the mail.
            RefusedForGoodError: it answered 5xx.
        """
        try:
            client = self._client = self._client or await self._connected()
            _, answer = await client.sendmail(sender, [recipient], content)
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise await self._failed(error.recipients[0].code, error) from error
        except aiosmtplib.SMTPResponseException as error:
            raise await self._failed(error.code, error) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise await self._failed(0, error) from error
        return answer

    async def close(self) -> None:
        """Hang up."""
        if self._client is not None:
            with suppress(aiosmtplib.SMTPException, OSError):
                self._client.close()
            self._client = None

    async def _connected(self) -> aiosmtplib.SMTP:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=self._port, timeout=ANSWER_SECONDS, start_tls=False)
        try:
            await client.connect()
        except BaseException:
            client.close()
            raise
        return client

    async def _failed(self, code: int, error: Exception) -> TryLaterError | RefusedForGoodError:
        await self.close()
        reason = f"{type(error).__name__}: {error}"
        return RefusedForGoodError(reason) if code >= _PERMANENT else TryLaterError(reason, str(code))


@dataclass(slots=True)
class _Thread:
    """One exchange of mails as the customer's program keeps it."""

    label: str
    subject: str
    ids: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Draft:
    recipient: str
    content: bytes


class MailCustomer:
    """One address. Each mail waits until the one before was accepted."""

    def __init__(
        self, address: str, support_address: str, port: int, sink: MailSink, history: History, chance: Random
    ) -> None:
        self._address = address
        self._support = support_address
        self._server = MailServer(port)
        self._sink = sink
        self._history = history
        self._chance = chance
        self._threads: list[_Thread] = []
        self._sent: list[tuple[Inbound, _Draft]] = []

    async def write(self) -> None:
        """One more mail, until it is accepted; sometimes this one or an older one once again."""
        message, draft = self._compose()
        self._history.inbound.append(message)
        self._sent.append((message, draft))
        await self._until_accepted(message, draft)
        if self._chance.random() < _TWICE:
            await self._until_accepted(*self._chance.choice(self._sent))

    async def leave(self) -> None:
        """Hang up."""
        await self._server.close()

    async def _until_accepted(self, message: Inbound, draft: _Draft) -> None:
        patience = Patience(self._chance)
        while True:
            message.attempts += 1
            try:
                answer = await self._server.hand_over(self._address, draft.recipient, draft.content)
            except TryLaterError:
                await patience.pause()
            except RefusedForGoodError as error:
                self._history.refusals.append(f"mail {message.provider_message_id}: {error}")
                return
            else:
                message.acknowledged += 1
                message.delivery_ids += _DELIVERY_ID.findall(answer)
                return

    def _compose(self) -> tuple[Inbound, _Draft]:
        choice = self._chance.random()
        ours = self._answerable()
        if ours and choice < 0.3:
            mail, thread = self._chance.choice(ours)
            recipient = mail.reply_to if self._chance.random() < 0.5 and mail.reply_to else self._support
            headers = {"In-Reply-To": mail.message_id, "References": f"{mail.references} {mail.message_id}"}
        elif self._threads and choice < 0.6:
            thread, recipient = self._chance.choice(self._threads), self._support
            headers = {"In-Reply-To": thread.ids[-1], "References": " ".join(thread.ids)}
        else:
            label = f"{self._address}/{len(self._threads)}"
            thread, recipient, headers = _Thread(label, f"Question {label}"), self._support, {}
            self._threads.append(thread)
        return self._written(thread, recipient, headers)

    def _answerable(self) -> list[tuple[SunkMail, _Thread]]:
        """Our mails to this customer, each with the thread it answers."""
        by_id = {message_id: thread for thread in self._threads for message_id in thread.ids}
        found = [
            (mail, next((by_id[one] for one in mail.references.split() if one in by_id), None))
            for mail in self._sink.to(self._address)
        ]
        return [(mail, thread) for mail, thread in found if thread is not None]

    def _written(self, thread: _Thread, recipient: str, headers: Mapping[str, str]) -> tuple[Inbound, _Draft]:
        place = len(self._sent)
        marker = f"in{self._chance.getrandbits(64):016x}"
        local, domain = self._address.split("@")
        message_id = f"{marker}.{local}@{domain}"
        mail = EmailMessage(policy=SMTP)
        mail["From"], mail["To"] = self._address, recipient
        mail["Subject"] = f"Re: {thread.subject}" if thread.ids else thread.subject
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = f"<{message_id}>"
        for name, value in headers.items():
            mail[name] = value
        mail.set_content(f"My words are {marker}.\n")
        thread.ids.append(f"<{message_id}>")
        message = Inbound("email", self._address, message_id, marker, place, thread.label)
        return message, _Draft(recipient, mail.as_bytes())
