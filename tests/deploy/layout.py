"""Which compose files make a system, and the doors by which tests look at it."""

from dataclasses import dataclass
from pathlib import Path

from deploy.images import ROOT

COMPOSE = ROOT / "deploy" / "compose"
PROJECT = "deskbus-tests"
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Layout:
    """The files, in the order in which compose reads them, and the brokers that they start."""

    files: tuple[Path, ...]
    brokers: tuple[str, ...]


ONE_BROKER = Layout((COMPOSE / "compose.yaml", _HERE / "compose.outside.yaml"), ("kafka",))
THREE_BROKERS_OBSERVED = Layout(
    (
        COMPOSE / "compose.yaml",
        COMPOSE / "compose.kafka-3.yaml",
        _HERE / "compose.outside.yaml",
        _HERE / "compose.outside-3.yaml",
        _HERE / "compose.observed.yaml",
    ),
    ("kafka", "kafka-2", "kafka-3"),
)
