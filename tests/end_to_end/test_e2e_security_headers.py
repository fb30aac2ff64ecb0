"""What browsers are told with every answer, whichever service gives it."""

import re
from typing import Any

import pytest

from end_to_end.system import RunningSystem

PAGES = ("/docs", "/widget-demo")
FILES = ("/widget.js", "/docs-static/swagger-ui.css", "/asyncapi", "/healthz")
NOWHERE = ("/", "/v1/nothing", "/u/nothing", "/s/nothing")


def paths_of(document: dict[str, Any]) -> set[str]:
    """Every documented path, with something in place of its parameters."""
    return {re.sub(r"\{[a-z_]+\}", "x", path) for path in document["paths"]}


def test_every_answer_of_every_service_has_the_headers(system: RunningSystem) -> None:
    """A walk over all documented paths, pages, files and 404s: none is framed, sniffed, or tells its address (S4)."""
    documented = set().union(*map(paths_of, system.process.api_documents()))
    answers = {path: system.client.get(path).headers for path in {*documented, *PAGES, *FILES, *NOWHERE}}
    without = {
        path: name
        for path, headers in answers.items()
        for name in ("content-security-policy", "x-content-type-options", "referrer-policy")
        if name not in headers
    }
    framed = [path for path, headers in answers.items() if "frame-ancestors" not in headers["content-security-policy"]]

    assert len(answers) > 60
    assert without == {}
    assert framed == []
    assert {headers["x-content-type-options"] for headers in answers.values()} == {"nosniff"}


@pytest.mark.parametrize("path", PAGES)
def test_pages_allow_their_own_scripts_only(system: RunningSystem, path: str) -> None:
    """A page names its inline scripts by digest, so that one smuggled in does not run (S4)."""
    answer = system.client.get(path)
    policy = answer.headers["content-security-policy"]
    scripts = policy.partition("script-src ")[2].partition(";")[0]

    assert answer.headers["content-type"].startswith("text/html")
    assert re.fullmatch(r"'self'( 'sha256-[A-Za-z0-9+/]{43}=')+", scripts)
    assert "default-src 'none'" in policy
