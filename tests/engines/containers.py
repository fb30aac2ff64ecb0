"""Engines in containers, by testcontainers, which also removes them when this process is killed.

Plain containers instead of the library's own Kafka and MongoDB ones: those know Confluent's image only, and cannot
make a replica set. A server listens on the same port inside and outside, since it tells clients its address.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import docker
from docker.errors import DockerException, ImageNotFound
from requests import RequestException
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from engines.documents.answering import answers as mongo_answers
from engines.errors import EngineNotReadyError
from engines.kafka.node import Seat, settings
from engines.kafka.node import answers as kafka_answers
from engines.ports import free_ports
from engines.progress import progress

_DOCKER_SECONDS = 3
_LOCAL = "http+docker://localhost"
_READY_SECONDS = 240.0
_POLL_SECONDS = 0.1
_LOG_LINES = 20


def containers_with(image: str) -> str | None:
    """The image, if a Docker engine of this machine answers and all that it takes is there or can be pulled."""
    cleaner = () if testcontainers_config.ryuk_disabled else (testcontainers_config.ryuk_image,)
    try:
        with closing(docker.from_env(timeout=_DOCKER_SECONDS)) as client:
            if client.api.base_url != _LOCAL:
                return None
            for each in (image, *cleaner):
                _have(client, each)
    except (DockerException, RequestException):
        return None
    return image


def _have(client: docker.DockerClient, image: str) -> None:
    try:
        client.images.get(image)
    except ImageNotFound:
        # Asked for first, for it answers at once where a pull would hang.
        client.images.get_registry_data(image)
        with progress(f"Pulling {image}"), closing(docker.from_env()) as patient:
            patient.images.pull(image)


@contextmanager
def kafka_container(image: str) -> Iterator[str]:
    """One Kafka node; its URL."""
    seat = Seat(0, *free_ports(2))
    told = settings(seat, [seat]) | {
        "listeners": f"PLAINTEXT://:{seat.port},CONTROLLER://:{seat.controller_port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    }
    container = DockerContainer(image).with_bind_ports(seat.port, seat.port)
    for name, value in told.items():
        container.with_env("KAFKA_" + name.replace(".", "_").upper(), str(value))
    with container:
        _wait(container, lambda: kafka_answers(seat))
        yield f"kafka://127.0.0.1:{seat.port}"


@contextmanager
def mongo_container(image: str) -> Iterator[str]:
    """A replica set of one; its URL."""
    (port,) = free_ports(1)
    command = ["mongod", "--replSet", "deskbus", "--bind_ip_all", "--port", str(port)]
    container = DockerContainer(image).with_bind_ports(port, port).with_command(command)
    with container:
        _wait(container, lambda: mongo_answers(port))
        yield f"mongodb://127.0.0.1:{port}/"


def _wait(container: DockerContainer, answers: Callable[[], bool]) -> None:
    running = container.get_wrapped_container()
    deadline = time.monotonic() + _READY_SECONDS
    while not answers():
        running.reload()
        if running.status == "exited" or time.monotonic() > deadline:
            said = running.logs(tail=_LOG_LINES).decode(errors="replace")
            raise EngineNotReadyError(f"the container of {container.image} is {running.status}. It said:\n{said}")
        time.sleep(_POLL_SECONDS)
