"""Where mail goes on a machine that has no relay: a maildir (https://cr.yp.to/proto/maildir.html)."""

import asyncio
import hashlib
import os
from email.message import EmailMessage
from pathlib import Path

from notifier.errors import Deferred
from notifier.relay_answer import Handed


class Maildir:
    """Each mail a synced file, named after its Message-ID."""

    tells_duplicates = True

    def __init__(self, path: Path) -> None:
        self._path = path

    async def start(self) -> None:
        """Nothing to open."""

    async def stop(self) -> None:
        """Nothing stays open."""

    async def send(self, mail: EmailMessage, sender: str, recipients: list[str]) -> Handed:
        """Write the mail; the same Message-ID again is the same file."""
        content = mail.as_bytes()
        name = hashlib.sha256(str(mail["Message-ID"]).encode()).hexdigest()[:32]
        head = f"Return-Path: <{sender}>\r\nDelivered-To: {', '.join(recipients)}\r\n".encode()
        try:
            await asyncio.to_thread(self._write, name, head + content)
        except OSError as error:
            raise Deferred(f"maildir: {error.strerror}") from error
        return Handed(f"maildir {name}")

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
