"""A Postfix of one's own, as companies have one in front: its configuration, queue and port are nobody else's.

From the system's packages. It must be started as root, and then works as the user that the package made for it.
"""

import os
import shutil
import subprocess
from pathlib import Path

from engines.errors import EngineMissingError
from engines.greeting import greets
from engines.single import SingleServer

_MASTER = Path("/usr/lib/postfix/sbin/master")
_OWNER = "postfix"
_WAITING = ("maildrop", "incoming", "active", "deferred")

_MAIN = """
compatibility_level = 3.6
queue_directory = {data}/queue
data_directory = {data}/lib
maillog_file = /dev/stdout
myhostname = mx.acme.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
alias_maps =
local_recipient_maps =
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
address_verify_poll_delay = 1s
"""
"""What makes it one of its own, and impatient."""

_SERVICES = """
127.0.0.1:{port} inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
"""


def has_postfix() -> bool:
    """Whether one can be started here."""
    return _MASTER.exists() and shutil.which("postfix") is not None and os.geteuid() == 0


class PostfixEngine(SingleServer):
    """One mail server with these lines in its `main.cf`. Stopped or killed, it keeps its queue."""

    def __init__(self, main_cf: str) -> None:
        if not has_postfix():
            raise EngineMissingError(
                "there is no Postfix that could be started: `apt-get install postfix`, and be root"
            )
        self._queue = Path()
        super().__init__(
            "Postfix", lambda port, data: self._command(port, data, main_cf), answers=lambda port: greets(port, b"220 ")
        )

    @property
    def port(self) -> int:
        """Where it takes mail."""
        return self._port

    def waiting(self) -> int:
        """How many mails it has and could not hand on yet."""
        folders = (self._queue / name for name in _WAITING)
        return sum(path.is_file() for folder in folders for path in folder.rglob("*"))

    def _command(self, port: int, data: Path, main_cf: str) -> list[str]:
        # Its processes give up being root, and must still reach their files.
        data.parent.chmod(0o711)
        self._queue = data / "queue"
        for folder in (data / "conf", data / "queue", data / "lib"):
            folder.mkdir()
        shutil.chown(data / "lib", _OWNER)
        (data / "conf" / "main.cf").write_text(_MAIN.format(data=data) + main_cf)
        (data / "conf" / "master.cf").write_text(_SERVICES.format(port=port))
        subprocess.run(["postfix", "-c", str(data / "conf"), "check"], check=True)  # noqa: S603, S607 - the system's own
        return [str(_MASTER), "-c", str(data / "conf"), "-s"]
