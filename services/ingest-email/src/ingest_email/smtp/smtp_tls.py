"""The certificate of the SMTP door (RFC 3207): read from its files, and again when they change."""

import ssl
from pathlib import Path

import structlog

from ingest_email.errors import CertificateUnreadable

log = structlog.get_logger(__name__)


class TlsFiles:
    """A chain of certificates and its key, in PEM.

    A renewal counts from the next connection on. One that cannot be used, or is half written, leaves the old one.

    Raises:
        CertificateUnreadable: there was none to begin with.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate = certificate
        self._key = key
        self._seen = self._state()
        try:
            self._context = self._load()
        except OSError as error:
            raise CertificateUnreadable(
                f"the certificate {certificate} and its key {key} cannot be used: {error}"
            ) from error

    def context(self) -> ssl.SSLContext:
        """What encrypts a connection that begins now."""
        state = self._state()
        if state is not None and state != self._seen:
            self._seen = state
            try:
                self._context = self._load()
            except OSError as error:  # an SSLError is one
                log.error("smtp_certificate_unusable", error=type(error).__name__)  # noqa: TRY400 - no trace needed
            else:
                log.info("smtp_certificate_renewed")
        return self._context

    def _load(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        # Without a password at hand, the library would ask for one at the terminal.
        context.load_cert_chain(self._certificate, self._key, password=lambda: b"")
        return context

    def _state(self) -> tuple[tuple[int, int, int], ...] | None:
        """What changes when the files do; None while one of them is being put in place."""
        try:
            stats = [path.stat() for path in (self._certificate, self._key)]
        except OSError:
            return None
        return tuple((stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in stats)
