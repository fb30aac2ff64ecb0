"""What every service is given by whoever composes it: engines behind ports, and the few shared facts."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from service_kit.admission import Admission
from service_kit.blobs import Blobs
from service_kit.bus import Bus
from service_kit.clock import Clock
from service_kit.docstore import DocStore
from service_kit.secret_box import SecretBox
from service_kit.settings import PlatformSettings
from service_kit.signing import Signer


@dataclass(frozen=True, slots=True)
class Platform:
    """The collaborators of one service; `bus` and `store` are this service's own."""

    bus: Bus
    store: DocStore
    redis: Redis
    blobs: Blobs
    clock: Clock
    secrets: SecretBox
    signer: Signer
    admission: Admission
    settings: PlatformSettings
    metrics: CollectorRegistry
