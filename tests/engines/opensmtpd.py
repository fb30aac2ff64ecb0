"""An OpenSMTPD of one's own, as some have one in front: Debian's, in a mount namespace where all its folders are ours.

Its package cannot be installed beside Postfix's, so that it is fetched and unpacked where it is not installed. Its
folders and users are compiled into it: it sees others of the same names.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from engines.cache import Cache
from engines.errors import EngineMissingError, WrongChecksumError
from engines.greeting import greets
from engines.settings import EngineSettings
from engines.single import SingleServer

_PROGRAM = Path("usr/sbin/smtpd")
_IN_FRONT = "unshare"
_USERS = (("opensmtpd", 64_901), ("opensmtpq", 64_902))
_SECONDS = 60

_CONFIGURATION = """
listen on 127.0.0.1 port {port} hostname mx.acme.example
"""

_SCRIPT = """
set -e
for place in passwd group; do mount --bind "$1/etc/$place" "/etc/$place"; done
for place in spool lib; do mount --bind "$1/var/$place" "/var/$place"; done
mount --bind "$1/run" /run
cp "${2%d}ctl" "$1/smtpctl"
chgrp opensmtpq "$1/smtpctl"
chmod g+s "$1/smtpctl"
exec "$2" -d -f "$1/smtpd.conf"
"""


def find_opensmtpd() -> Path | None:
    """The server: installed, fetched before, or fetched now; None where that cannot be, or it could not be started."""
    if os.geteuid() != 0 or shutil.which(_IN_FRONT) is None or shutil.which("nsenter") is None:
        return None
    installed = Path("/") / _PROGRAM
    if installed.exists():
        return installed
    try:
        cache = Cache(EngineSettings().engines_cache)
        fetched = cache.provide("opensmtpd", fetch=_fetch, verify=_verify) / _PROGRAM
    except EngineMissingError:
        return None
    # Its libraries are not fetched with it: without them it says nothing.
    asked = subprocess.run([str(fetched), "-h"], check=False, capture_output=True, timeout=_SECONDS)  # noqa: S603 - ours
    return fetched if b"OpenSMTPD" in asked.stdout + asked.stderr else None


class OpenSmtpdEngine(SingleServer):
    """One mail server with these lines in its `smtpd.conf`. Stopped or killed, it keeps its queue."""

    def __init__(self, program: Path, lines: str) -> None:
        self._program = program
        self._data = Path()
        super().__init__(
            "OpenSMTPD", lambda port, data: self._command(port, data, lines), answers=lambda port: greets(port, b"220 ")
        )

    @property
    def port(self) -> int:
        """Where it takes mail."""
        return self._port

    def waiting(self) -> int:
        """How many mails it has and could not hand on yet."""
        return sum(1 for _ in (self._data / "var/spool/smtpd/queue").rglob("message"))

    def hurry(self) -> None:
        """Have it try now what it would try in some minutes."""
        _run(["nsenter", "--mount", f"--target={self.pid}", str(self._data / "smtpctl"), "schedule", "all"])

    def _command(self, port: int, data: Path, lines: str) -> list[str]:
        # Its processes give up being root, and must still reach their files.
        data.parent.chmod(0o711)
        data.chmod(0o711)
        self._data = data
        for folder in ("etc", "var/spool", "var/lib/opensmtpd/empty", "run"):
            (data / folder).mkdir(parents=True, mode=0o755)
        for name, ending in (("passwd", ":::/var/lib/opensmtpd/empty:/bin/false"), ("group", "")):
            known = Path("/etc", name).read_text()
            added = [_line(name, user, number, ending) for user, number in _USERS if f"{user}:" not in known]
            (data / "etc" / name).write_text(known + "".join(added))
        (data / "smtpd.conf").write_text(_CONFIGURATION.format(port=port) + lines)
        (data / "smtpd.conf").chmod(0o600)
        return ["/usr/bin/env", _IN_FRONT, "--mount", "/bin/sh", "-c", _SCRIPT, "sh", str(data), str(self._program)]


def _line(name: str, user: str, number: int, ending: str) -> str:
    return f"{user}:x:{number}:{number}{ending}\n" if name == "passwd" else f"{user}:x:{number}:\n"


def _fetch(place: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        _run(["apt-get", "download", "opensmtpd"], Path(scratch))
        for package in Path(scratch).glob("*.deb"):
            _run(["dpkg", "-x", str(package), str(place)])


def _verify(place: Path) -> None:
    if not os.access(place / _PROGRAM, os.X_OK):
        raise WrongChecksumError(f"{place / _PROGRAM} is not there")


def _run(command: Sequence[str], folder: Path | None = None) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=_SECONDS)  # noqa: S603 - our own
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineMissingError(f"`{command[0]}` failed, which OpenSMTPD needs: {error}") from error
