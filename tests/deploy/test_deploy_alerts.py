"""The alert rules: what makes them fire, what they are made of, and what they tell people to do."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.promql import OF_THE_TARGET, Expression, exported
from engines import wanting

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy/prometheus"
RUNBOOKS = ROOT / "docs/operations/runbooks"
PROMTOOL = "`promtool` on PATH (the package `prometheus` of Debian has it)"
FOREIGN = {"up", "kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes"}
"""Metrics of Prometheus itself and of the kubelet."""


def rules() -> list[dict[str, Any]]:
    """Every rule."""
    groups = yaml.safe_load((PROMETHEUS / "rules.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.deploy
def test_alerts_fire_when_they_should_and_not_otherwise():
    """Prometheus' own tool evaluates every rule on series that are given minute by minute."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip(wanting.reason(PROMTOOL))
    for arguments in (["check", "rules", "rules.yaml"], ["test", "rules", "rules.test.yaml"]):
        done = subprocess.run(  # noqa: S603 - found on PATH
            [promtool, *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False, timeout=60
        )

        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_seen_to_fire_and_to_be_silent():
    """No rule is without a case in which it fires, and one in which it has nothing to say."""
    cases = yaml.safe_load((PROMETHEUS / "rules.test.yaml").read_text())["tests"]
    checks = [check for case in cases for check in case["alert_rule_test"]]
    fired = {
        (check["alertname"], alert["exp_labels"].get("stage"))
        for check in checks
        for alert in check.get("exp_alerts", ())
    }
    silent = {check["alertname"] for check in checks if not check.get("exp_alerts")}

    assert fired == {(rule["alert"], rule["labels"].get("stage")) for rule in rules()}
    assert silent == {rule["alert"] for rule in rules()}


def test_rules_name_metrics_and_labels_that_the_services_export():
    """A rule about a series that nobody exports would never fire."""
    series = exported()
    for rule in rules():
        expression = Expression.read(rule["expr"])
        ours = expression.metrics - FOREIGN
        known = OF_THE_TARGET.union(*(series.get(name, set()) for name in ours))
        known |= {"namespace"} if expression.metrics & FOREIGN else set()

        assert expression.metrics, rule["alert"]
        assert ours <= series.keys(), rule["alert"]
        assert expression.labels <= known, rule["alert"]


def test_expressions_are_read_as_they_are_meant():
    """The reader finds names of metrics and labels, and takes neither functions nor words for them."""
    found = Expression.read(
        'sum by (a, b) (rate(x_total{c=~"up|y_total", d!="z"}[5m])) > 2 * max(w offset 1h) or vector(0)'
    )

    assert found == Expression(frozenset({"x_total", "w"}), frozenset({"a", "b", "c", "d"}))


def test_every_alert_leads_to_a_runbook_and_every_runbook_is_led_to():
    """Whoever is woken finds a page that names the alert; no page is forgotten."""
    pages = {path.name for path in RUNBOOKS.glob("*.md")} - {"README.md"}
    index = (RUNBOOKS / "README.md").read_text()
    led_to = {Path(rule["annotations"]["runbook_url"]) for rule in rules()}

    assert {path.name for path in led_to} == pages
    assert all((ROOT / path).is_file() for path in led_to)
    assert all(f"]({page})" in index for page in pages)
    assert all(f"`{rule['alert']}`" in index for rule in rules())
    assert len(pages) >= 10


def test_alerts_say_what_is_wrong_and_how_bad_it_is():
    """Each has a summary and one of three severities."""
    for rule in rules():
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}


def test_runbooks_name_what_the_code_knows():
    """Log events, settings, reasons and fields that a runbook mentions exist under that name."""
    sources = [
        *ROOT.glob("libs/*/src"),
        *ROOT.glob("services/*/src"),
        ROOT / "contracts/src",
        ROOT / "deploy/embedded/src",
    ]
    text = "\n".join(path.read_text() for source in sources for path in source.rglob("*.py"))
    variables = set(re.findall(r'env_prefix="(\w+)"', text))
    for page in sorted(RUNBOOKS.glob("*.md")):
        for name in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", page.read_text()):
            assert re.search(rf"\b{name}\b", text), f"{page.name}: {name}"
        for name in re.findall(r"`((?:DESKBUS|INGEST|NOTIFIER|WEBCHAT)_[A-Z_]+)`", page.read_text()):
            prefix = next(one for one in variables if name.startswith(one))
            assert re.search(rf"\b{name.removeprefix(prefix).lower()}\b", text), f"{page.name}: {name}"
