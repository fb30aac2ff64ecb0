"""What building images takes from this machine and leaves in no layer: its certificates, and a base of its packages."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from deploy.docker_engine import DockerEngine, NoDockerError

_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_SUITE = "bookworm"
_PACKAGES = "ca-certificates,python3,python3-venv"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MADE_BASE = "deskbus-base-by-debootstrap:bookworm"


def built_with_certificates() -> list[str]:
    """How an image is built here. The machine's network is used, as its resolver may not answer a bridge."""
    bundle = Path(os.environ.get("SSL_CERT_FILE") or _BUNDLE)
    secret = ["--secret", f"id=ca_bundle,src={bundle}"] if bundle.exists() else []
    return ["build", "--quiet", "--network", "host", *secret]


def made_base(engine: DockerEngine) -> str:
    """A Debian with Python, as small as it gets, made once.

    Raises:
        NoDockerError: it cannot be made here.
    """
    if engine.run("images", "--quiet", MADE_BASE).strip():
        return MADE_BASE
    program = shutil.which("debootstrap")
    if program is None:
        raise NoDockerError("no base image can be pulled, and Debian's `debootstrap` is not here to make one")
    with tempfile.TemporaryDirectory(prefix="deskbus-base-") as folder:
        root = Path(folder) / "root"
        command = [program, "--variant=minbase", f"--include={_PACKAGES}", _SUITE, str(root)]
        # In a mount namespace of its own: what it mounts below the folder is gone before the folder is removed.
        subprocess.run(  # noqa: S603 - our own command
            ["unshare", "--mount", *command],  # noqa: S607 - of this machine
            check=True,
            stdout=subprocess.DEVNULL,
        )
        archive = Path(folder) / "base.tar"
        kept = ["--exclude=./var/cache/apt/archives/*.deb", "--exclude=./dev/*", "--exclude=./proc/*"]
        subprocess.run(  # noqa: S603 - our own command
            ["tar", *kept, "-C", str(root), "-cf", str(archive), "."],  # noqa: S607 - of this machine
            check=True,
        )
        engine.run("import", "--change", f"ENV PATH={_PATH}", str(archive), MADE_BASE)
    return MADE_BASE
