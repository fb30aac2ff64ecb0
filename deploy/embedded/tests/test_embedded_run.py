import json
import signal
from pathlib import Path
from subprocess import CompletedProcess
from urllib.parse import urlsplit

import pytest

from end_to_end.process import deskbus_environment, free_ports, run_deskbus
from end_to_end.service_processes import ServiceProcess
from end_to_end.until import until
from engines.valkey import ValkeyEngine

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

PATHS = ("/healthz", "/docs", "/openapi.json", "/asyncapi", "/v1/teams")


def environment_on(folder: Path, url: str, **settings: object) -> dict[str, str]:
    """Engines for a process of its own: a Valkey, and folders."""
    return deskbus_environment(
        folder / "home",
        **{
            "bus_url": url,
            "redis_url": url,
            "store_url": f"sqlite:///{folder / 'store'}",
            "blobs_url": (folder / "blobs").as_uri(),
            "secret_key": "a key for tests that guards nothing",
            **settings,
        },
    )


def nobody(port: int) -> str:
    """The URL of an engine that is away."""
    return f"redis://127.0.0.1:{port}"


def run_alone(service: str, environment: dict[str, str]) -> CompletedProcess[str]:
    """`deskbus run` that ends by itself."""
    (http_port,) = free_ports(1)
    return run_deskbus("run", service, environment={**environment, "DESKBUS_HTTP_PORT": str(http_port)})


def sentences(finished: CompletedProcess[str]) -> list[str]:
    """What a command said beside its log."""
    return [line for line in finished.stderr.splitlines() if not line.startswith("{")]


@pytest.fixture
def port() -> int:
    """Where nobody listens."""
    (port,) = free_ports(1)
    return port


def test_it_waits_for_its_engines_and_says_for_what(tmp_path: Path) -> None:
    """Alive at once, ready when Valkey is, 503 with Retry-After until then; SIGTERM ends it with exit code 0."""
    with ValkeyEngine() as valkey:
        valkey.stop()
        service = ServiceProcess("router", tmp_path, environment_on(tmp_path, valkey.url))
        try:
            service.start()
            waiting = until(
                lambda: answer if (answer := service.answer("/readyz")) and "Redis" in answer.text else None
            )
            before = {path: service.answer(path) for path in ("/healthz", "/v1/teams")}
            valkey.start()
            until(service.is_ready)
            after = {path: service.answer(path) for path in PATHS}
            valkey.stop()
            gone = until(lambda: answer if (answer := service.answer("/readyz")) and answer.is_error else None)
            service.signal(signal.SIGTERM)
            code = service.wait()
        finally:
            service.close()
    told = [json.loads(line) for line in service.log.splitlines()]

    assert (waiting.status_code, waiting.headers["content-type"]) == (503, "application/problem+json")
    assert (waiting.json()["code"], str(urlsplit(valkey.url).port) in waiting.json()["waiting_for"]) == (
        "not_ready",
        True,
    )
    assert [answer.status_code for answer in before.values() if answer] == [200, 503]
    assert before["/v1/teams"] is not None
    assert (before["/v1/teams"].json()["code"], before["/v1/teams"].headers["retry-after"]) == ("starting", "2")
    assert [answer.status_code for answer in after.values() if answer] == [200, 200, 200, 200, 401]
    assert set(gone.json()["failing"]) >= {"bus", "redis"}
    assert code == 0
    assert 1 <= len([line for line in told if line["event"] == "service_waits"]) <= 3


def test_told_to_stop_while_it_waits_it_ends(tmp_path: Path, port: int) -> None:
    """A process whose engines never came ends at once, with exit code 0."""
    service = ServiceProcess("reporting", tmp_path, environment_on(tmp_path, nobody(port)))
    try:
        service.start()
        until(lambda: (answer := service.answer("/readyz")) and "Redis" in answer.text)
        service.signal(signal.SIGTERM)
        code = service.wait()
    finally:
        service.close()

    assert code == 0


def test_what_does_not_end_within_the_grace_time_is_cut_off(tmp_path: Path) -> None:
    """The process ends all the same, with one sentence and exit code 1."""
    with ValkeyEngine() as valkey:
        environment = environment_on(tmp_path, valkey.url, stop_grace_seconds=1e-4)
        service = ServiceProcess("reporting", tmp_path, environment)
        try:
            service.start()
            until(service.is_ready)
            service.signal(signal.SIGTERM)
            code = service.wait()
        finally:
            service.close()

    assert code == 1
    assert "reporting did not stop within 0.0001 s" in service.log


@pytest.mark.parametrize("wrong", ["redis_url", "bus_url"])
def test_a_wrong_password_is_one_sentence(tmp_path: Path, wrong: str) -> None:
    """It is no use to wait: exit code 1, what to check, no stack trace, and no password."""
    with ValkeyEngine() as valkey:
        password = str(urlsplit(valkey.url).password)
        environment = environment_on(tmp_path, valkey.url, **{wrong: valkey.url.replace(password, "mistaken")})
        finished = run_alone("reporting", environment)

    assert (finished.returncode, len(sentences(finished))) == (1, 1), finished.stderr
    assert "does not let us in" in sentences(finished)[0]
    assert not [secret for secret in (password, "mistaken") if secret in finished.stderr + finished.stdout]


def test_init_says_which_engine_is_away(tmp_path: Path, port: int) -> None:
    """One sentence and exit code 1, after the time it was told to wait."""
    finished = run_deskbus("init", "--wait", "1", environment=environment_on(tmp_path, nobody(port)))
    last = finished.stderr.splitlines()[-1]

    assert finished.returncode == 1
    assert last.startswith("deskbus: ")
    assert "Valkey" in last
    assert "Traceback" not in finished.stderr


def test_without_engines_it_names_every_setting_that_is_missing(tmp_path: Path) -> None:
    """Nothing is left to chance in production, the key least of all: one line, exit code 1."""
    finished = run_deskbus("run", "tickets", environment=deskbus_environment(tmp_path / "home"))

    assert (finished.returncode, len(finished.stderr.splitlines())) == (1, 1)
    assert all(
        f"DESKBUS_{name}" in finished.stderr
        for name in ("BUS_URL", "STORE_URL", "REDIS_URL", "BLOBS_URL", "SECRET_KEY")
    )
    assert not (tmp_path / "home").exists()


def test_a_service_that_there_is_not_is_one_sentence(tmp_path: Path) -> None:
    """It names those that there are; exit code 1."""
    finished = run_deskbus("run", "billing", environment=deskbus_environment(tmp_path / "home"))

    assert (finished.returncode, len(finished.stderr.splitlines())) == (1, 1)
    assert all(name in finished.stderr for name in ("billing", "tickets", "webchat-gateway"))


def test_a_setting_of_the_service_that_does_not_fit_is_one_sentence(tmp_path: Path, port: int) -> None:
    """It names the service and the field; exit code 1."""
    finished = run_alone(
        "notifier", {**environment_on(tmp_path, nobody(port)), "NOTIFIER_RELAY_TIMEOUT_SECONDS": "soon"}
    )

    assert (finished.returncode, len(sentences(finished))) == (1, 1), finished.stderr
    assert "notifier" in sentences(finished)[0]
    assert "relay_timeout_seconds" in sentences(finished)[0]
