"""One connection to a mailbox as blocking calls. It only ever looks: EXAMINE, SEARCH, FETCH of BODY.PEEK, IDLE."""

import contextlib
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog

from contracts.imap import ImapMailbox
from ingest_email.errors import MailTooLarge
from ingest_email.imap.imap_client import SocketImapClient
from ingest_email.imap.imap_cursor import FolderFacts, Window
from ingest_email.imap.imap_diagnosis import failure_of
from ingest_email.imap.imap_failure import AnswerTooLarge, ImapFailure

log = structlog.get_logger(__name__)

_ANSWER_BYTES = 64 * 1024
_SEARCH_BYTES = 1024 * 1024
_BODY = b"BODY[]"
_SIZE = b"RFC822.SIZE"


class ImapConnection:
    """Used by one thread at a time, but for `cut`, which ends whatever that thread is waiting for."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        # TLS objects must not be touched by two threads; their connection may be.
        self._handle = sock.dup()
        self._client: SocketImapClient | None = None

    def log_in(self, mailbox: ImapMailbox, tls: ssl.SSLContext, access_token: str | None) -> bool:
        """Greet, encrypt, authenticate; whether the server can tell us of new mail by itself (IDLE).

        By the access token, or else by the password of the settings.

        Raises:
            ImapFailure: none of it is possible now.
        """
        with _told_as_failures():
            if mailbox.security == "tls":
                self._sock = tls.wrap_socket(self._sock, server_hostname=mailbox.host)
            self._client = client = SocketImapClient(self._sock, mailbox.host)
            if mailbox.security == "starttls":
                client.starttls(tls)
            self._allow(_ANSWER_BYTES)
            if access_token is None:
                client.log_in(mailbox.username, mailbox.password or "")
            else:
                client.log_in_by_token(mailbox.username, access_token)
            return bool(client.has_capability("IDLE"))

    def examine(self, folder: str) -> FolderFacts:
        """Open the folder for reading, or look at it anew.

        Raises:
            ImapFailure: `no_such_folder`, among others.
        """
        with _told_as_failures():
            client = self._allow(_ANSWER_BYTES)
            try:
                said = client.select_folder(folder, readonly=True)
            except client.AbortError:
                raise
            except client.Error as error:
                raise ImapFailure("no_such_folder") from error
            return FolderFacts(
                uid_validity=int(said[b"UIDVALIDITY"]), uid_next=int(said[b"UIDNEXT"]), exists=int(said[b"EXISTS"])
            )

    def search(self, window: Window) -> Sequence[int]:
        """The UIDs that exist in a window."""
        with _told_as_failures():
            wanted: list[object] = ["UID", f"{window.first}:{window.last}"]
            if window.since is not None:
                wanted += ["SINCE", window.since]
            return [int(uid) for uid in self._allow(_SEARCH_BYTES).search(wanted)]

    def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """How large these mails are, as the server says; without those that are gone."""
        with _told_as_failures():
            found = self._allow(_ANSWER_BYTES).fetch(uids, [_SIZE])
            return {int(uid): int(said[_SIZE]) for uid, said in found.items() if _SIZE in said}

    def fetch(self, uid: int, *, limit_bytes: int) -> bytes | None:
        """One mail as it is; None if it is gone.

        Raises:
            MailTooLarge: it is larger than the server said. The connection is of no use any more.
        """
        with _told_as_failures():
            try:
                found = self._allow(limit_bytes + _ANSWER_BYTES).fetch([uid], ["BODY.PEEK[]"])
            except AnswerTooLarge as error:
                raise MailTooLarge(limit_bytes) from error
            content = found.get(uid, {}).get(_BODY)
            if content is None or isinstance(content, bytes):
                return content
            raise ImapFailure("protocol_error")

    def idle(self, seconds: float) -> None:
        """Wait until the server says something, at most so long (RFC 2177)."""
        with _told_as_failures():
            client = self._allow(_ANSWER_BYTES)
            client.idle()
            client.incoming.wait(seconds)
            client.idle_done()

    def cut(self) -> None:
        """End the connection under whoever is using it, from any thread."""
        # Shut down already, by us or by the server.
        with contextlib.suppress(OSError):
            self._handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the sockets back; the last call."""
        self.cut()
        self._handle.close()
        if self._client is not None:
            # STARTTLS put another one in the place of ours.
            self._client.socket().close()
        self._sock.close()

    def _allow(self, max_bytes: int) -> SocketImapClient:
        """The client, with what its next command may cost."""
        if self._client is None:
            raise ImapFailure("connection_lost")
        self._client.incoming.allow(max_bytes)
        return self._client


@contextmanager
def _told_as_failures() -> Iterator[None]:
    try:
        yield
    except MailTooLarge:
        raise
    except ImapFailure:
        raise
    except Exception as error:
        # Whatever a hostile server makes the library do is a failure of that mailbox only.
        failure = failure_of(error)
        log.info("imap_command_failed", code=failure.code, error=type(error).__name__)
        raise failure from error
