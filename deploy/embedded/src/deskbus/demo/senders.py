"""Customers: how each channel's messages are sent from outside, through the doors that a stranger would use."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import aiosmtplib
import httpx
from websockets.asyncio.client import ClientConnection, connect


class MailSender:
    """One SMTP connection, kept open over several mails."""

    def __init__(self, host: str, port: int) -> None:
        self._client = aiosmtplib.SMTP(hostname=host, port=port, timeout=30, start_tls=False)
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self._client.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    async def send(self, sender: str, recipient: str, content: bytes) -> None:
        """Returns when the mail was accepted with 250; raises aiosmtplib.SMTPException otherwise."""
        async with self._turn:
            await self._client.sendmail(sender, [recipient], content)


class TwilioSender:
    """Posts webhooks as Twilio would: a form, signed with HMAC-SHA1 over the URL and the sorted parameters."""

    def __init__(self, base_url: str, auth_token: str) -> None:
        self._url = f"{base_url}/v1/sms/twilio/inbound"
        self._token = auth_token.encode()
        self._client = httpx.AsyncClient(timeout=15)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def send(self, message_sid: str, sender: str, recipient: str, text: str) -> httpx.Response:
        """One inbound SMS; the answer as Twilio would get it."""
        form = {"MessageSid": message_sid, "AccountSid": "AC" + "0" * 32, "From": sender, "To": recipient, "Body": text}
        form |= {"NumMedia": "0", "NumSegments": "1"}
        headers = {"X-Twilio-Signature": self._signature(form)}
        return await self._client.post(self._url, data=form, headers=headers)

    def _signature(self, form: Mapping[str, str]) -> str:
        signed = self._url + "".join(f"{name}{form[name]}" for name in sorted(form))
        return base64.b64encode(hmac.new(self._token, signed.encode(), hashlib.sha1).digest()).decode()


class ChatVisitor:
    """A visitor at the widget: one websocket, which waits for the gateway's acknowledgement of each message."""

    def __init__(self, base_url: str, account_id: str) -> None:
        self._url = f"{base_url.replace('http', 'ws', 1)}/v1/chat/ws?account={account_id}"
        self._origin = base_url
        self._socket: ClientConnection | None = None
        self.conversation_id = ""
        self.received: list[dict[str, Any]] = []

    async def __aenter__(self) -> Self:
        self._socket = await connect(self._url, origin=self._origin, compression=None)  # type: ignore[arg-type]
        await self._send({"type": "hello"})
        welcome = await self.wait_for("welcome")
        self.conversation_id = welcome["conversation_id"]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._socket is not None:
            await self._socket.close()

    async def give_profile(self, name: str, email: str) -> None:
        """Fill the widget's form."""
        await self._send({"type": "profile", "name": name, "email": email})

    async def send(self, client_id: str, text: str) -> None:
        """Returns when the gateway acknowledged that it has the message."""
        await self._send({"type": "message", "client_id": client_id, "text": text})
        async with asyncio.timeout(15):
            while (await self.wait_for("ack"))["client_id"] != client_id:
                pass

    async def wait_for(self, kind: str, *, seconds: float = 15.0) -> dict[str, Any]:
        """The next frame of a kind; others are kept in `received`."""
        assert self._socket is not None, "enter the context first"  # noqa: S101 - a mistake in this program only
        async with asyncio.timeout(seconds):
            while True:
                frame: dict[str, Any] = json.loads(await self._socket.recv())
                self.received.append(frame)
                if frame["type"] == kind:
                    return frame

    async def _send(self, frame: dict[str, Any]) -> None:
        assert self._socket is not None, "enter the context first"  # noqa: S101 - a mistake in this program only
        await self._socket.send(json.dumps(frame))
