"""IMAPClient on a socket that was opened and checked elsewhere, and a stream that bounds what it reads."""

import imaplib
import socket
import ssl
from typing import Any, Literal

from imapclient import IMAPClient  # type: ignore[import-untyped]  # it has no types

from ingest_email.imap.imap_stream import BoundedStream

_GREETING_BYTES = 64 * 1024


class SocketImap4(imaplib.IMAP4):
    """The standard library's protocol on a given socket; `server_name` is whom its certificate must name."""

    def __init__(self, sock: socket.socket, server_name: str) -> None:
        self._given = sock
        self._server_name = server_name
        super().__init__()

    def open(self, host: str = "", port: int = 0, timeout: float | None = None) -> None:  # noqa: ARG002 - it is open
        """Take the socket as it is."""
        self.host = host
        self.port = port
        self._attach(self._given)

    def readline(self) -> bytes:
        """One line."""
        return self.stream.readline()

    def read(self, size: int) -> bytes:
        """The bytes of a literal."""
        return self.stream.read(size)

    def starttls(self, ssl_context: Any = None) -> tuple[Literal["OK"], list[None]]:
        """Go on encrypted. What came with the answer in plain text may be a forger's, and ends the connection."""
        kind, _ = self._simple_command("STARTTLS")
        if kind != "OK":
            raise self.error("STARTTLS was refused")
        if self.stream.has_rest:
            raise self.error("there was more behind the answer to STARTTLS")
        self._attach(ssl_context.wrap_socket(self.sock, server_hostname=self._server_name))
        self._tls_established = True
        self._get_capabilities()
        return "OK", [None]

    def _attach(self, sock: socket.socket) -> None:
        self.sock = sock
        self.stream = BoundedStream(sock)
        self.stream.allow(_GREETING_BYTES)
        self.file = self.stream  # type: ignore[assignment]  # `shutdown` closes it; nobody else looks


class SocketImapClient(IMAPClient):  # type: ignore[misc]  # it has no types
    """IMAPClient, which would else open a connection of its own to wherever a name leads by then."""

    def __init__(self, sock: socket.socket, server_name: str) -> None:
        self._given = sock
        self._server_name = server_name
        super().__init__(server_name, 0, ssl=isinstance(sock, ssl.SSLSocket))
        # Else it writes several lines of text for each line of the server's, to throw them away.
        self._imap.debug = 0

    @property
    def incoming(self) -> BoundedStream:
        """What it reads from."""
        incoming: BoundedStream = self._imap.stream
        return incoming

    def log_in(self, username: str, password: str) -> None:
        """Log in by PLAIN where the server has it, which carries every character; else by LOGIN.

        Raises:
            LoginError: it was refused.
        """
        if self.has_capability("AUTH=PLAIN"):
            self.plain_login(username, password)
        else:
            # The standard library quotes the password only.
            quoted = username.replace("\\", "\\\\").replace('"', '\\"')
            self.login(f'"{quoted}"', password)

    def log_in_by_token(self, username: str, access_token: str) -> None:
        """Log in by OAuth 2: OAUTHBEARER (RFC 7628) where the server has it, else XOAUTH2, of which it came.

        Raises:
            LoginError: it was refused.
        """
        bearer = f"auth=Bearer {access_token}\x01\x01"
        # A refusal says why in a challenge, and comes once that is answered: by nothing, as each mechanism says that.
        if self.has_capability("AUTH=OAUTHBEARER"):
            named = username.replace("=", "=3D").replace(",", "=2C")
            mechanism, answers = "OAUTHBEARER", iter((f"n,a={named},\x01{bearer}", "\x01"))
        else:
            mechanism, answers = "XOAUTH2", iter((f"user={username}\x01{bearer}", ""))
        self.sasl_login(mechanism, lambda _challenge: next(answers, None))

    def _create_IMAP4(self) -> SocketImap4:  # noqa: N802 - the library's name
        return SocketImap4(self._given, self._server_name)
