"""The outside of the system: where mail, SMS and webhooks end up. It outlives every crash of what it surrounds."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from deskbus.web_server import WebServer
from faults.hook_receiver import PATH, HookReceiver
from faults.mail_sink import MailSink
from faults.simulated_twilio import SimulatedTwilio

ACCOUNT_SID = "AC" + "0" * 32
AUTH_TOKEN = "a-token-of-no-real-account"


class World:
    """Everything that left. Providers and webhooks are called at `http_port` of one of this machine's addresses."""

    def __init__(self, http_port: int, address: str = "127.0.0.1") -> None:
        self._address = address
        self.mail = MailSink(address)
        self.twilio = SimulatedTwilio(ACCOUNT_SID, AUTH_TOKEN)
        self.hooks = HookReceiver()
        self.http_port = http_port

    @property
    def http_url(self) -> str:
        """Where the simulated Twilio answers."""
        return f"http://{self._address}:{self.http_port}"

    @property
    def hook_url(self) -> str:
        """Where webhooks are received."""
        return f"{self.http_url}{PATH}"

    @property
    def environment(self) -> Mapping[str, str]:
        """What a system must be told to live in this world."""
        return {"DESKBUS_SMTP_RELAY_URL": self.mail.url}

    @asynccontextmanager
    async def turning(self) -> AsyncIterator["World"]:
        """Receive until the context ends."""
        application = Starlette(routes=[*self.twilio.routes, *self.hooks.routes])
        server = WebServer(application, host=self._address, port=self.http_port)
        async with self.mail.listening():
            await server.start()
            try:
                yield self
            finally:
                await server.stop()
