"""What operators see: health, metrics, documents, the log, the command."""

import json
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from end_to_end.caller import problem_of
from end_to_end.company import Company
from end_to_end.system import RunningSystem
from end_to_end.until import until

PUBLIC = {
    ("post", "/v1/sessions"),
    ("post", "/v1/email/mailgun/inbound"),
    ("post", "/v1/email/mailgun/inbound/mime"),
    ("post", "/v1/email/postmark/inbound"),
    ("post", "/v1/email/sendgrid/inbound"),
    ("post", "/v1/sms/twilio/inbound"),
    ("post", "/v1/sms/twilio/status"),
    ("get", "/s/{code}"),
    ("get", "/u/{token}"),
    ("post", "/u/{token}"),
    ("get", "/widget.js"),
    ("get", "/widget-demo"),
}
METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def documents(system: RunningSystem) -> list[dict[str, Any]]:
    """The OpenAPI documents that together describe every route: one of the whole, or one of each service."""
    return system.process.api_documents()


def references(node: Any) -> list[str]:
    """Every `$ref` below a node."""
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in references(value)]
    if isinstance(node, list):
        return [found for item in node for found in references(item)]
    return []


def resolved(document: Any, reference: str) -> Any:
    """What a local reference points to."""
    node = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return node


@pytest.mark.embedded_only(reason="in production every service tells its own, inside")
def test_health_is_told_to_anybody(system: RunningSystem) -> None:
    """`/healthz` and `/readyz` need no key."""
    assert system.stranger.get("/healthz")["status"] == "alive"
    assert system.stranger.get("/readyz")["status"] == "ready"


def test_answers_come_at_once(system: RunningSystem) -> None:
    """On a connection that stays open no answer waits for the network's delayed acknowledgements (40 ms)."""
    took = []
    for _ in range(20):
        started = time.perf_counter()
        system.stranger.get("/healthz")
        took.append(time.perf_counter() - started)

    assert min(took) < 0.03


@pytest.mark.embedded_only(reason="in production every service counts for itself, inside")
def test_metrics_tell_every_service_apart(system: RunningSystem, shared_company: Company) -> None:
    """`/metrics` is Prometheus text; samples say whose they are, and each family is described once."""
    shared_company.opened_by_mail()
    answer = system.client.get("/metrics")
    lines = answer.text.splitlines()
    families = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    services = set(re.findall(r'service="([a-z-]+)"', answer.text))

    assert answer.headers["content-type"].startswith("text/plain")
    assert len(families) == len(set(families))
    assert services >= {"tickets", "router", "ingest-email", "ingest-sms", "webchat-gateway", "notifier", "reporting"}
    assert [line for line in lines if line.startswith("deskbus_bus_published_total") and "ticket-events-v1" in line]
    assert set(families) >= {
        "deskbus_bus_lag_records",
        "deskbus_bus_pending_records",
        "deskbus_bus_batch_records",
        "deskbus_bus_retries_total",
        "deskbus_bus_dead_letters_total",
        "deskbus_outbox_oldest_seconds",
    }


def test_the_api_documents_hold_together(documents: list[dict[str, Any]]) -> None:
    """OpenAPI 3.1 with a server; every reference resolves, operation ids are unique, problems are documented."""
    for document in documents:
        operations = [item[method] for item in document["paths"].values() for method in METHODS if method in item]
        ids = [operation["operationId"] for operation in operations]
        schemas = document["components"]["schemas"]

        assert document["openapi"].startswith("3.1")
        assert document["servers"]
        assert all(resolved(document, reference) for reference in references(document))
        assert len(ids) == len(set(ids))
        assert all("default" in operation["responses"] for operation in operations)
        assert {"type", "title", "status", "code", "detail", "instance"} <= schemas["Problem"]["properties"].keys()


def test_every_documented_route_asks_for_a_key(system: RunningSystem, documents: list[dict[str, Any]]) -> None:
    """Every documented operation answers 401 to a stranger, apart from the few public ones (S2)."""
    answers = {
        (method, path): system.client.request(method.upper(), re.sub(r"\{[a-z_]+\}", "x", path)).status_code
        for document in documents
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    }
    unguarded = {operation for operation, status in answers.items() if status != 401}

    assert len(answers) > 60
    assert unguarded == PUBLIC
    assert not [operation for operation, status in answers.items() if status >= 500]


def test_pages_load_nothing_from_elsewhere(system: RunningSystem) -> None:
    """`/docs` and the widget's demo page work without any other host, and every file they name is there."""
    docs, demo = system.client.get("/docs").text, system.client.get("/widget-demo").text
    files = [*re.findall(r'(?:src|href)="([^"]+)"', docs), "/widget.js", "/openapi.json"]

    assert "/openapi.json" in docs
    assert "/widget.js" in demo
    assert not re.findall(r'"(?:https?:)?//', docs + demo)
    assert {file: system.client.get(file).status_code for file in files} == dict.fromkeys(files, 200)


def test_one_page_offers_the_api_of_every_service(system: RunningSystem, documents: list[dict[str, Any]]) -> None:
    """From `/docs` agents and integrators reach every operation of every service, each with its own document (S2)."""
    pages = re.findall(r'href="(/docs\?service=[^"]+)"', system.client.get("/docs").text)
    named = [found for page in pages for found in re.findall(r"url: '([^']+)'", system.client.get(page).text)]
    parts = [system.client.get(path).json() for path in named]
    everything = {path for document in documents for path in document["paths"]}

    assert len(pages) == len(named) == len(set(named)) == 7
    assert {path for part in parts for path in part["paths"]} == everything
    assert {"/v1/teams", "/v1/webhooks", "/v1/reports/volume", "/v1/settings/sms"} <= everything
    assert all(part["servers"] for part in parts)


def test_the_event_document_names_the_public_topics(system: RunningSystem) -> None:
    """`/asyncapi` is AsyncAPI 3 with the public topics, and its references resolve (E1)."""
    document = system.stranger.get("/asyncapi")
    addresses = {channel["address"] for channel in document["channels"].values()}
    elsewhere = {reference for reference in references(document) if not reference.startswith("#")}
    schemas = [system.client.get(urljoin("/asyncapi", reference)) for reference in elsewhere]

    assert document["asyncapi"].startswith("3.")
    assert addresses >= {"ticket-events-v1", "contact-events-v1", "campaign-messages-v1", "delivery-events-v1"}
    assert all(resolved(document, reference) for reference in references(document) if reference.startswith("#"))
    assert len(schemas) > 20
    assert {schema.status_code for schema in schemas} == {200}
    assert all(schema.json()["properties"] for schema in schemas)
    assert system.stranger.refused("GET", "/schemas/nothing.json").status == 404


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/v1", "/v1/nothing", "/v1/tickets/x/nothing", "/v1/reports/nothing"]
)
def test_what_is_not_there_is_a_problem(shared_company: Company, path: str) -> None:
    """An unknown route is 404 as a problem document, whoever owns the prefix."""
    problem = shared_company.owner.refused("GET", path)

    assert (problem.status, problem.code) == (404, "not_found")


@pytest.mark.parametrize("path", ["/healthz", "/v1/tickets", "/v1/teams", "/v1/reports/volume"])
def test_a_method_that_is_not_offered_is_a_problem(shared_company: Company, path: str) -> None:
    """405 as a problem document, with the methods there are."""
    answer = shared_company.owner.send("DELETE", path)

    assert (answer.status_code, problem_of(answer).code) == (405, "method_not_allowed")
    assert "GET" in answer.headers["allow"]


def test_the_log_holds_ids_and_nothing_that_customers_wrote(system: RunningSystem, company: Company) -> None:
    """Neither texts nor addresses nor keys of a conversation are in the log, which is JSON (logs hold ids only)."""
    customer = company.customer("flamboyant")
    ticket = company.opened_by_mail(customer, subject="Subject flamboyant", text="Text flamboyant")
    company.reply_and_get_mail(ticket["id"], customer, "Answer flamboyant")
    company.owner.post(f"/v1/tickets/{ticket['id']}/notes", {"text": "Note flamboyant"})
    until(lambda: ticket["id"] in system.process.log())  # the router's decision about it comes when it comes
    text = system.process.log()
    lines = [json.loads(line) for line in text.splitlines()]

    assert lines
    assert "flamboyant" not in text
    assert company.owner.token is not None
    assert company.owner.token not in text
    assert [line for line in lines if ticket["id"] in str(line)]


def test_a_taken_address_is_one_clear_sentence_and_costs_nothing(
    system: RunningSystem, shared_company: Company
) -> None:
    """`deskbus account create` refuses a taken address in one line, and works when repeated with another one."""
    taken = system.commands.run("account", "create", "Late", "late@late.example", shared_company.support)
    senseless = system.commands.run("account", "create", "Late", "late@late.example", "not an address")
    nobody = system.commands.run("account", "create", "Late", "not an owner", "support@late.example")
    repeated = system.commands.run("account", "create", "Late", "late@late.example", "support@late.example")
    again = system.commands.run("account", "create", "Late", "late@late.example", "other@late.example")

    assert (taken.code, len(taken.printed.splitlines())) == (1, 1)
    assert shared_company.support in taken.printed
    assert (senseless.code, len(senseless.printed.splitlines())) == (1, 1)
    assert (nobody.code, len(nobody.printed.splitlines())) == (1, 1)
    assert repeated.code == 0, repeated.printed
    assert json.loads(repeated.printed)["support_address"] == "support@late.example"
    assert again.code == 1
    assert "email_taken" in again.printed


@pytest.mark.embedded_only(reason="in production the environment names the engines, and no home is looked for")
@pytest.mark.parametrize(
    "command",
    [["account", "create", "A", "a@a.example", "s@a.example"], ["replay", "inbound-messages-v1", "tickets"], ["demo"]],
    ids=lambda command: command[0],
)
def test_commands_say_when_nothing_runs(system: RunningSystem, tmp_path: Path, command: list[str]) -> None:
    """Where no system was started they end with one line that says how to, and leave no home behind."""
    finished = system.commands.run(*command, "--home", str(tmp_path / "home"))

    assert (finished.code, len(finished.printed.splitlines())) == (1, 1)
    assert "deskbus up" in finished.printed
    assert not (tmp_path / "home").exists()


def test_the_first_start_made_an_account_that_works(system: RunningSystem) -> None:
    """`owner.json` names everything that the first owner needs, and it works: key, password, support address."""
    owner = system.process.owner()
    company = system.first_company()
    session = company.sign_in(owner["email"], owner["password"])

    assert owner.keys() == {
        "base_url",
        "email",
        "password",
        "api_key",
        "account_id",
        "agent_id",
        "support_address",
    }
    assert owner["base_url"] == system.process.base_url
    assert session.get("/v1/agents/me")["id"] == owner["agent_id"]
    assert company.owner.get("/v1/agents/me")["role"] == "owner"
    assert company.opened_by_mail()["status"] == "open"
