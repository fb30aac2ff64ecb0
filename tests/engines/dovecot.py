"""A Dovecot on a port: the real IMAP server of Debian's packages, without its system service, on a maildir of our own.

Mail is delivered as a delivery agent does it, by a rename into the maildir, so that Dovecot finds it by itself.
"""

import os
import shutil
import signal
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from grp import getgrgid
from itertools import count
from pathlib import Path
from pwd import getpwuid
from types import TracebackType

from engines.greeting import greets
from engines.ports import free_ports
from engines.single import SingleServer
from service_kit.testing.certificate import write_certificate

USER = "support"
_NOBODY = 65534
WITHOUT_IDLE = "IMAP4rev1 LITERAL+ AUTH=PLAIN"

_CONFIGURATION = """
base_dir = {data}/run
state_dir = {data}/state
log_path = /dev/stderr
protocols = imap
listen = 127.0.0.1
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {internal}
first_valid_uid = 1
first_valid_gid = 1
disable_plaintext_auth = no
ssl = yes
ssl_cert = <{data}/certificate.pem
ssl_key = <{data}/key.pem
mail_location = maildir:{data}/maildir
mail_max_userip_connections = 50
imap_idle_notify_interval = 29 mins
{capability}
{oauth}
passdb {{
  driver = passwd-file
  mechanisms = plain
  args = scheme=PLAIN {data}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={data}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
auth_failure_delay = 0
"""

_OAUTH = """
auth_mechanisms = plain xoauth2 oauthbearer
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {data}/oauth2.conf
}}
"""

_OAUTH_SERVER = """
tokeninfo_url = {info_url}
username_attribute = email
"""
"""Of the mechanisms XOAUTH2 and OAUTHBEARER, it asks there whose an access token is."""


def find_dovecot() -> Path | None:
    """The server, if this machine has it."""
    found = shutil.which("dovecot", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    return Path(found) if found else None


class DovecotEngine(SingleServer):
    """One mailbox of the user `support`, in plain text, by STARTTLS or by TLS, certified for `localhost`.

    With `info_url` access tokens open it too, whose they are is asked there.
    """

    def __init__(self, binary: Path, *, password: str, capability: str = "", info_url: str = "") -> None:
        self._binary = binary
        self._password = password
        self._capability = capability
        self._info_url = info_url
        self._numbers = count(1)
        self._data = Path()
        (self.tls_port,) = free_ports(1)
        super().__init__(f"Dovecot ({binary})", self._command, answers=lambda port: greets(port, b"* OK"))

    @property
    def port(self) -> int:
        """Where it listens; the same over restarts."""
        return self._port

    @property
    def ca_file(self) -> Path:
        """What a client must trust to trust it."""
        return self._data / "certificate.pem"

    def deliver(self, content: bytes, *, arrived_at: datetime | None = None) -> None:
        """Put a mail into the mailbox, as of now or of a time."""
        name = f"{next(self._numbers):06}.test"
        arriving = self._maildir / "tmp" / name
        arriving.write_bytes(content)
        self._give(arriving)
        if arrived_at is not None:
            os.utime(arriving, (arrived_at.timestamp(), arrived_at.timestamp()))
        arriving.rename(self._maildir / "new" / name)

    def names(self) -> set[str]:
        """Every mail in the mailbox with the folder it is in and its flags."""
        return {
            f"{path.parent.name}/{path.name}" for kind in ("new", "cur") for path in (self._maildir / kind).iterdir()
        }

    def forget_uids(self) -> None:
        """Lose what UIDs meant, as a restored or rebuilt mailbox does; only while it does not run."""
        for path in self._maildir.iterdir():
            if path.name.startswith("dovecot") and path.name != "dovecot-uidvalidity":
                path.unlink()

    def kill(self) -> None:
        """End it with all its processes, and so every connection."""
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        super().kill()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        super().__exit__(kind, error, trace)

    @property
    def _maildir(self) -> Path:
        return self._data / "maildir"

    def _command(self, port: int, data: Path) -> list[str]:
        self._data = data
        data.parent.chmod(0o711)
        data.chmod(0o755)
        for kind in ("tmp", "new", "cur"):
            (self._maildir / kind).mkdir(parents=True)
            self._give(self._maildir / kind)
        self._give(self._maildir)
        (data / "users").write_text(f"{USER}:{self._password}\n")
        (data / "oauth2.conf").write_text(_OAUTH_SERVER.format(info_url=self._info_url))
        write_certificate(data, until=datetime.now(UTC) + timedelta(hours=12), host="localhost")
        told = data / "dovecot.conf"
        told.write_text(self._configuration(port, data))
        return [str(self._binary), "-F", "-c", str(told)]

    def _configuration(self, port: int, data: Path) -> str:
        uid, gid = (_NOBODY, _NOBODY) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
        return _CONFIGURATION.format(
            data=data,
            port=port,
            tls_port=self.tls_port,
            internal=getpwuid(uid).pw_name,
            group=getgrgid(gid).gr_name,
            uid=uid,
            gid=gid,
            capability=f"imap_capability = {self._capability}" if self._capability else "",
            oauth=_OAUTH.format(data=data) if self._info_url else "",
        )

    def _give(self, path: Path) -> None:
        """Mail belongs to whom Dovecot reads it as: never to root."""
        if os.geteuid() == 0:
            os.chown(path, _NOBODY, _NOBODY)
