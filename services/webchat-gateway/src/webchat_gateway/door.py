"""Who may open a chat: the account exists, the page is allowed, the address does not hammer."""

from fastapi import WebSocket

from contracts.settings import ChatSettings
from service_kit.fan_out import FanOut
from service_kit.http.problems import Problem
from service_kit.platform import Platform
from service_kit.rate_limit import RateLimit
from service_kit.settings_area import SettingsArea
from webchat_gateway.origins import may_embed
from webchat_gateway.socket_session import SocketSession
from webchat_gateway.store import ChatStore
from webchat_gateway.tokens import conversation_of, token_of
from webchat_gateway.visitor_line import VisitorLine
from webchat_gateway.workflow import ChatWorkflow


class ChatDoor:
    """Admits sockets and gives each its session."""

    def __init__(
        self,
        platform: Platform,
        settings: SettingsArea[ChatSettings],
        workflow: ChatWorkflow,
        store: ChatStore,
        fan_out: FanOut,
        *,
        connections: RateLimit,
        messages: RateLimit,
    ) -> None:
        self._platform = platform
        self._settings = settings
        self._workflow = workflow
        self._store = store
        self._fan_out = fan_out
        self._connections = connections
        self._messages = messages

    async def admit(self, socket: WebSocket, account_id: str) -> SocketSession:
        """The session of a socket that may come in.

        Raises:
            Problem: 429 too many connections, 404 unknown account, 403 origin not allowed.
            Unavailable: limits or settings cannot be read now.
        """
        if not await self._connections.allows(socket.client.host if socket.client else "unknown"):
            raise Problem(429, "rate_limited", "Too many connections from this address; wait a minute.")
        settings = await self._settings.get(account_id)
        allowed = may_embed(
            socket.headers.get("origin"),
            host=socket.headers.get("host", ""),
            own_origin=self._platform.settings.origin,
            allowed=settings.origins,
        )
        if not allowed:
            raise Problem(403, "origin_not_allowed", "This page may not embed the chat; add it to the settings `chat`.")
        signer = self._platform.signer
        return SocketSession(
            VisitorLine(socket),
            account_id,
            workflow=self._workflow,
            store=self._store,
            fan_out=self._fan_out,
            limit=self._messages,
            admission=self._platform.admission,
            token_of=lambda conversation: token_of(signer, account_id, conversation.id),
            conversation_of=lambda token: conversation_of(signer, account_id, token),
        )
