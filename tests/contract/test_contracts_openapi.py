"""The OpenAPI documents of all seven services say of every operation what a caller needs to know."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import pytest_asyncio

from deskbus.composition import SERVICE_NAMES
from permissions.doors import composed
from service_kit.errors import PermanentError
from service_kit.http.openapi_problems import COMMON_PROBLEMS
from service_kit.http.problems import MEDIA_TYPE
from service_kit.service import Service

Json = dict[str, Any]

JSON = "application/json"

ROOT = Path(__file__).resolve().parents[2]
_OURS = {"service_kit", *(name.replace("-", "_") for name in SERVICE_NAMES)}

# Raised, and answered by no operation of the document, each for a reason.
UNDOCUMENTED = {
    ("tickets", "account_exists"): "said to the command `deskbus account create`",
    ("webchat-gateway", "origin_not_allowed"): "of the websocket, which OpenAPI does not describe",
    ("webchat-gateway", "rate_limited"): "of the websocket, which OpenAPI does not describe",
}

# Refusals that any operation could pass on, and that none documents, each for a reason.
OFF_HTTP = {
    "blob_missing": "of consumers and workers: routes answer 404 for a file that is gone",
    "document_too_large": "of consumers: the bodies that routes take, and what they add to, are bounded far below",
    "foreign_event": "a mistake in a service, found by its first test",
    "invalid_blob_key": "keys are made of ids that routes have checked",
    "mail_too_large": "of the SMTP door: routes answer 413",
    "malformed_request": "of methods and headers, which are ours",
    "record_too_large": "of consumers: what routes publish is bounded, outsiders' properties at 16 KiB",
    "refused": "of deliveries, which workers make",
    "response_too_large": "of workers; pictures answer 502",
    "unreadable_stored_event": "of a downgrade: the relay keeps what it cannot read, and says so",
}

# Answered whole, each because there cannot be many: the bound.
WHOLE = {
    "GET /v1/tickets/{ticket_id}/presence": "the agents of one account, who said so in the last 15 seconds",
    "GET /v1/contacts/{contact_id}/metrics": "the first 100 kinds of one contact's events, by name",
    "GET /v1/macros/variables": "built in",
    "GET /v1/reports/volume": "at most a thousand intervals, refused beyond",
    "GET /v1/reports/first-response": "at most a thousand intervals, refused beyond",
    "GET /v1/reports/assignments": "at most a thousand intervals, refused beyond",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Service]:
    """All services by name, none of them started."""
    return {service.name: service for service in await composed(tmp_path_factory.mktemp("home"))}


@pytest.fixture(scope="module")
def documents(services: dict[str, Service]) -> dict[str, Json]:
    """The document of each service by its name."""
    return {name: service.api.openapi() for name, service in services.items()}


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    """Every operation, with what it is called in a finding."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def contents(operation: Json) -> Iterator[tuple[str, str, Json]]:
    """What an operation takes and answers: where, of which type, and the media object."""
    for kind, media in operation.get("requestBody", {}).get("content", {}).items():
        yield "request", kind, media
    for status, answer in operation["responses"].items():
        yield from ((status, kind, media) for kind, media in answer.get("content", {}).items())


def examples(media: Json) -> list[Any]:
    """The values that a media object shows."""
    named = [one["value"] for one in media.get("examples", {}).values()]
    return [*([media["example"]] if "example" in media else []), *named]


def problem_codes(operation: Json) -> set[str]:
    """The codes of an operation's problems."""
    return {code for _, kind, media in contents(operation) if kind == MEDIA_TYPE for code in media.get("examples", {})}


def codes_of(source: Path) -> set[str]:
    """The codes that a service's code writes out in `Problem(status, "code", …)`."""
    trees = (ast.parse(file.read_text()) for file in source.rglob("*.py"))
    calls = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call))
    named = (call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Problem")
    second = (call.args[1] for call in named if len(call.args) > 1)
    return {str(code.value) for code in second if isinstance(code, ast.Constant)}


def parameters(operation: Json) -> set[str]:
    """The names of an operation's parameters."""
    return {one["name"] for one in operation.get("parameters", ())}


def answered(document: Json, operation: Json) -> Json:
    """The schema of what an operation answers when all is well."""
    schema: Json = operation["responses"].get("200", {}).get("content", {}).get(JSON, {}).get("schema", {})
    return document["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def is_list(document: Json, operation: Json) -> bool:
    """Whether an answer is an object whose `items` may go on for ever."""
    schema = answered(document, operation)
    return "items" in schema.get("properties", {}) or schema.get("type") == "array"


def is_paged(document: Json, operation: Json) -> bool:
    """Whether a list is handed out in pages, with the cursor of the next one."""
    has_next = "next_cursor" in answered(document, operation).get("properties", {})
    return has_next and {"limit", "cursor"} <= parameters(operation)


def flaws(document: Json, media: Json) -> Iterator[str]:
    """Where an example does not fit the schema beside it."""
    schema = {**media.get("schema", {}), "components": document["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    for value in examples(media):
        yield from (f"{error.instance_path}: {error.message}" for error in validator.iter_errors(value))


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_every_operation_says_what_it_is(documents: dict[str, Json], name: str) -> None:
    """Each operation has a summary, a description and a tag."""
    silent = [
        label
        for label, operation in operations(documents[name])
        if not (operation.get("summary") and operation.get("description") and operation.get("tags"))
    ]

    assert silent == []
    assert documents[name]["paths"]


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_every_example_fits_its_schema(documents: dict[str, Json], name: str) -> None:
    """Each JSON request and answer, and each problem, has an example that its own schema takes."""
    shown = [(label, *content) for label, op in operations(documents[name]) for content in contents(op)]
    missing = [
        f"{label} {where}"
        for label, where, kind, media in shown
        if not examples(media) and where != "default" and kind in {JSON, MEDIA_TYPE}
    ]
    wrong = [f"{label} {where}: {flaw}" for label, where, _, media in shown for flaw in flaws(documents[name], media)]

    assert missing == []
    assert wrong == []


def test_an_example_that_does_not_fit_is_found(documents: dict[str, Json]) -> None:
    """The walk sees an example whose schema refuses it."""
    media = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": {"status": "many"}}

    assert list(flaws(documents["tickets"], media))


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_every_operation_documents_its_problems(documents: dict[str, Json], name: str) -> None:
    """A caller is needed: 401; a body is taken: 413 and 422; each problem is shown with its code and status."""
    found: list[str] = []
    for label, operation in operations(documents[name]):
        answers = operation["responses"]
        wanted = {"400", "503"}
        wanted |= {"401"} if operation.get("security") else set()
        wanted |= {"413", "422"} if "requestBody" in operation else set()
        wanted |= {"404"} if "{" in label else set()
        found += [f"{label} lacks {status}" for status in sorted(wanted - answers.keys())]
        for status, kind, media in contents(operation):
            shown = media.get("examples", {}) if kind == MEDIA_TYPE and status != "default" else {}
            for code, one in shown.items():
                if (one["value"]["code"], str(one["value"]["status"])) != (code, status):
                    found.append(f"{label} {status} shows {code} as {one['value']}")

    assert found == []


def test_every_common_problem_is_documented_somewhere(documents: dict[str, Json]) -> None:
    """No code that the kit answers with is left out of all documents."""
    codes = {code for document in documents.values() for _, op in operations(document) for code in problem_codes(op)}

    assert {problem.code for problem in COMMON_PROBLEMS} <= codes


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_every_code_is_documented(documents: dict[str, Json], name: str) -> None:
    """What a service's code refuses by name is a documented problem of one of its operations at least."""
    raised = codes_of(ROOT / "services" / name / "src")
    documented = {code for _, operation in operations(documents[name]) for code in problem_codes(operation)}
    excused = {code for service, code in UNDOCUMENTED if service == name}

    assert raised - documented == excused


def test_every_refusal_is_documented_or_explained(documents: dict[str, Json]) -> None:
    """An error that becomes a problem by its own code is shown by an operation, or there is a reason why by none."""
    documented = {code for one in documents.values() for _, op in operations(one) for code in problem_codes(op)}
    declared = {error.code for error in _refusals(PermanentError) if error.__module__.split(".")[0] in _OURS}

    assert declared - documented == set(OFF_HTTP)


def _refusals(error: type[PermanentError]) -> Iterator[type[PermanentError]]:
    for one in error.__subclasses__():
        if "testing" not in one.__module__:
            yield one
        yield from _refusals(one)


def test_a_code_that_nobody_documents_is_found(tmp_path: Path) -> None:
    """The walk above reads codes off the code, wherever a problem is made."""
    (tmp_path / "workflow.py").write_text('def f():\n    raise Problem(409, "unheard_of", "No.")\n')

    assert codes_of(tmp_path) == {"unheard_of"}


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_codes_are_documented_of_what_is_there(
    services: dict[str, Service], documents: dict[str, Json], name: str
) -> None:
    """No problem is documented of an operation that is gone, or renamed."""
    labels = {label for label, _ in operations(documents[name])}

    assert services[name].api.state.own_problems.keys() - labels == set()


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_callers_writes_take_an_idempotency_key(documents: dict[str, Json], name: str) -> None:
    """Each write of a caller documents the header once, with its conflicts."""
    for label, operation in operations(documents[name]):
        headers = [one["name"] for one in operation.get("parameters", ()) if one["name"] == "Idempotency-Key"]
        is_keyed = not label.startswith("GET ") and bool(operation.get("security"))

        assert len(headers) == is_keyed, label
        assert ("409" in operation["responses"]) >= is_keyed, label


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_every_list_is_paged(documents: dict[str, Json], name: str) -> None:
    """Each answer with `items` takes a limit and a cursor and says `next_cursor`, or its bound is named here (S4)."""
    unpaged = {
        label
        for label, operation in operations(documents[name])
        if label.startswith("GET ") and is_list(documents[name], operation) and not is_paged(documents[name], operation)
    }
    excused = {label for label, _ in operations(documents[name])} & WHOLE.keys()

    assert unpaged == excused
