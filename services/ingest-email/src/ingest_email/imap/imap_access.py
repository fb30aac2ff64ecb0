"""What one mailbox's server is shown by whoever reads it: the password of the settings, or an access token."""

import hashlib

import structlog

from contracts.imap import ImapMailbox, OAuth2Auth
from ingest_email.imap.imap_tenure import Tenure
from ingest_email.imap.imap_watched import KeptGrant
from ingest_email.imap.token_answer import AccessToken
from ingest_email.imap.token_servers import TokenServers
from service_kit.clock import Clock
from service_kit.secret_box import SecretBox

log = structlog.get_logger(__name__)


class ImapAccess:
    """Keeps an access token until shortly before its end, and each newer refresh token in the mailbox's document."""

    def __init__(
        self, tenure: Tenure, mailbox: ImapMailbox, servers: TokenServers, secrets: SecretBox, clock: Clock
    ) -> None:
        self._tenure = tenure
        self._auth = mailbox.auth if isinstance(mailbox.auth, OAuth2Auth) else None
        self._servers = servers
        self._secrets = secrets
        self._clock = clock
        self._held: AccessToken | None = None
        self._unsaved: str | None = None
        self._is_fresh = True

    async def token(self) -> str | None:
        """The access token; None where the password counts.

        Raises:
            ImapFailure: none is to be had now.
            LeaseLost: the mailbox is another's to read.
            Unavailable: the store does not take the newer refresh token.
        """
        if self._auth is None:
            return None
        held = self._held
        self._is_fresh = held is None or held.valid_until <= self._clock.now()
        if held is None or self._is_fresh:
            used = self._refresh_token(self._auth)
            held = self._held = await self._servers.refresh(self._auth, used)
            if held.refresh_token not in (None, used):
                self._unsaved = held.refresh_token
            log.info("access_token_fetched", mailbox_id=self._tenure.mailbox.id)
        await self._save(self._auth)
        return held.value

    def discard(self) -> bool:
        """Forget a token that was refused; whether it was an older one, so that another may be taken."""
        self._held = None
        return not self._is_fresh

    def _refresh_token(self, auth: OAuth2Auth) -> str:
        """The newest: in memory, stored, or as the settings have it, where that is newer than what is stored."""
        kept = self._tenure.mailbox.grant
        if self._unsaved is not None:
            return self._unsaved
        if kept is not None and kept.instead_of == _name(auth):
            return self._secrets.decrypt(kept.refresh_token)
        return auth.refresh_token

    async def _save(self, auth: OAuth2Auth) -> None:
        """Store a newer refresh token before anything else is done: the one before it may be worth nothing now."""
        if self._unsaved is not None:
            sealed = self._secrets.encrypt(self._unsaved)
            await self._tenure.note(grant=KeptGrant(instead_of=_name(auth), refresh_token=sealed))
            self._unsaved = None


def _name(auth: OAuth2Auth) -> str:
    """Tells the authorisation in the settings from others without saying what it is."""
    parts = (str(auth.token_url), auth.client_id, auth.refresh_token)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
