import json
from collections.abc import Iterator

import pytest

from deskbus.composition import SERVICE_NAMES
from end_to_end.process import run_deskbus
from end_to_end.service_processes import ServiceProcesses
from end_to_end.system import RunningSystem, running_system
from end_to_end.until import until

pytestmark = [pytest.mark.engines, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """Every service in a process of its own, on one Valkey and one folder; it must stop cleanly."""
    with running_system(tmp_path_factory.mktemp("processes"), "processes") as running:
        yield running


def test_a_mail_is_answered_across_seven_processes(system: RunningSystem) -> None:
    """From SMTP through parsing, threading and assignment to the reply in the relay's hands."""
    company = system.first_company()
    agent = company.agent(online=True)
    customer = company.customer()
    ticket = company.assigned(company.opened_by_mail(customer)["id"])
    reply = company.reply_and_get_mail(ticket["id"], customer)

    assert ticket["assignee"]["id"] == agent.id
    assert reply["To"] == customer
    assert company.delivery(ticket["id"], "sent")["state"] == "sent"


def test_a_visitor_chats_through_the_proxy(system: RunningSystem) -> None:
    """A websocket passes the one origin, and the answer of an agent comes back on it."""
    company = system.first_company()
    with company.visitor() as visitor:
        visitor.say("hello-1", "Is anybody there?")
        (ticket,) = until(lambda: company.owner.get("/v1/tickets", channel="web_chat", view="all")["items"])
        company.owner.post(f"/v1/tickets/{ticket['id']}/messages", {"text": "Yes."})
        while ("agent", "Yes.") not in visitor.messages():
            visitor.expect("message")

    assert ticket["channel"] == "web_chat"


def test_another_account_is_made_beside_the_processes(system: RunningSystem) -> None:
    """`deskbus account create` finds the engines in the environment, and names the public origin."""
    company = system.company()

    assert company.credentials["base_url"] == system.process.base_url
    assert company.owner.get("/v1/agents/me")["role"] == "owner"


def test_init_can_be_repeated_while_everything_runs(system: RunningSystem) -> None:
    """The second time changes nothing: exit code 0, a row for each service, and nobody noticed."""
    again = run_deskbus("init", environment=system.process.environment)

    assert again.returncode == 0, again.stderr
    assert all(name in again.stdout for name in SERVICE_NAMES)
    assert system.process.is_ready()


def test_every_process_logs_json_and_documents_its_own_routes(system: RunningSystem) -> None:
    """What a process prints is JSON alone; its documents name only what it answers itself."""
    assert isinstance(system.process, ServiceProcesses)
    events = [json.loads(line)["event"] for line in system.process.log().splitlines()]
    documents = system.process.api_documents()
    paths = [path for document in documents for path in document["paths"]]

    assert events.count("service_ready") == len(SERVICE_NAMES)
    assert len(documents) == len(SERVICE_NAMES)
    assert len(paths) == len(set(paths))
