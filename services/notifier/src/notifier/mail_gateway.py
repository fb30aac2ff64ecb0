"""Where mail leaves: a relay over SMTP, or a maildir on a machine that has none."""

import asyncio
import hashlib
import os
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

from notifier.domain_places import DomainPlaces
from notifier.errors import Deferred, Refused

_PERMANENT = 500


class MailGateway(Protocol):
    """Takes one mail; returns the other side's word for it.

    Raises:
        Deferred: try again later.
        Refused: never.
    """

    tells_duplicates: bool
    """Whether a mail given twice under one Message-ID is known to be one."""

    async def send(self, mail: EmailMessage, sender: str, recipients: list[str]) -> str:
        """Hand the mail over."""

    async def stop(self) -> None:
        """Close what is open."""


class SmtpRelay:
    """One relay, over a few connections that stay open between mails.

    `timeout_seconds` is for a whole mail, the wait for a connection included: a limit for each command alone would
    let a slow relay outlast the lease of the delivery, and somebody else would send the mail as well. At most
    `per_domain` connections serve the domain of one customer.
    """

    tells_duplicates = False

    def __init__(self, url: str, *, timeout_seconds: float, connections: int = 4, per_domain: int = 4) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "localhost"
        self._port = parts.port or (465 if parts.scheme == "smtps" else 25)
        self._tls = parts.scheme == "smtps"
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._timeout = timeout_seconds
        self._idle: list[aiosmtplib.SMTP] = []
        self._places = asyncio.Semaphore(connections)
        self._domains = DomainPlaces(per_domain)

    async def send(self, mail: EmailMessage, sender: str, recipients: list[str]) -> str:
        """Hand the mail to the relay; its answer to the end of data."""
        is_on_its_way = False
        try:
            async with asyncio.timeout(self._timeout), self._domains.place_for(recipients[0]), self._places:
                client = await self._client()
                is_on_its_way = True
                return await self._hand_over(client, mail, sender, recipients)
        except TimeoutError as error:
            reason = f"relay {self._host} took longer than {self._timeout:g} s"
            raise Deferred(reason, in_doubt=is_on_its_way) from error

    async def stop(self) -> None:
        """Say goodbye on every open connection."""
        while self._idle:
            with suppress(aiosmtplib.SMTPException, OSError):  # the mails are gone already; this is courtesy
                await self._idle.pop().quit()

    async def _hand_over(self, client: aiosmtplib.SMTP, mail: EmailMessage, sender: str, recipients: list[str]) -> str:
        is_in_order = False
        try:
            _, answer = await client.send_message(mail, sender=sender, recipients=recipients)
            is_in_order = True
        except aiosmtplib.SMTPRecipientsRefused as error:
            is_in_order = True
            worst = max(error.recipients, key=lambda refused: refused.code)
            raise _failure(worst.code, worst.message) from error
        except aiosmtplib.SMTPResponseException as error:
            is_in_order = True
            raise _failure(error.code, error.message) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Deferred(f"relay {self._host}: {type(error).__name__}", in_doubt=True) from error
        finally:
            if is_in_order and client.is_connected:
                self._idle.append(client)
            else:
                client.close()
        return answer[:500]

    async def _client(self) -> aiosmtplib.SMTP:
        while self._idle:
            client = self._idle.pop()
            try:
                await client.noop()
            except (aiosmtplib.SMTPException, OSError):
                client.close()
            else:
                return client
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            use_tls=self._tls,
            username=self._user,
            password=self._password,
            timeout=self._timeout,
        )
        try:
            await client.connect()
        except aiosmtplib.SMTPAuthenticationError as error:
            raise Deferred(f"relay {self._host} refuses our credentials") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Deferred(f"relay {self._host} cannot be reached: {type(error).__name__}") from error
        return client


class Maildir:
    """A maildir (https://cr.yp.to/proto/maildir.html): each mail a synced file, named after its Message-ID."""

    tells_duplicates = True

    def __init__(self, path: Path) -> None:
        self._path = path

    async def send(self, mail: EmailMessage, sender: str, recipients: list[str]) -> str:
        """Write the mail; the same Message-ID again is the same file."""
        content = mail.as_bytes()
        name = hashlib.sha256(str(mail["Message-ID"]).encode()).hexdigest()[:32]
        head = f"Return-Path: <{sender}>\r\nDelivered-To: {', '.join(recipients)}\r\n".encode()
        try:
            await asyncio.to_thread(self._write, name, head + content)
        except OSError as error:
            raise Deferred(f"maildir: {error.strerror}") from error
        return f"maildir {name}"

    async def stop(self) -> None:
        """Nothing stays open."""

    def _write(self, name: str, content: bytes) -> None:
        for folder in ("tmp", "new", "cur"):
            (self._path / folder).mkdir(parents=True, exist_ok=True)
        partial = self._path / "tmp" / name
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(self._path / "new" / f"{name}.eml")
        descriptor = os.open(self._path / "new", os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _failure(code: int, message: str) -> Deferred | Refused:
    text = f"{code} {message}"[:500]
    return Refused(text) if code >= _PERMANENT else Deferred(text)
