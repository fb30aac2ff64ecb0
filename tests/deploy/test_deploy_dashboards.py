"""The dashboards: made by their program, and about series that exist."""

import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

from deploy.promql import OF_THE_TARGET, Expression, exported

ROOT = Path(__file__).parents[2]
GRAFANA = ROOT / "deploy/grafana"
STAGES = {"overview", "intake", "tickets", "routing", "sending", "reporting", "bus"}


def dashboards() -> list[dict]:
    """Every dashboard, as Grafana reads it."""
    return [json.loads(path.read_text()) for path in sorted(GRAFANA.glob("*.json"))]


def test_dashboards_are_what_their_program_makes():
    """Nobody edited the JSON by hand, or forgot to make it anew."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(GRAFANA / "dashboards.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert done.returncode == 0, done.stderr


def test_there_is_an_overview_and_one_dashboard_for_each_stage():
    """Each has an address of its own that does not change, and the tag that links them."""
    found = dashboards()

    assert {one["uid"] for one in found} == {f"deskbus-{stage}" for stage in STAGES}
    assert all(one["tags"] == ["deskbus"] for one in found)


def test_panels_ask_for_series_that_the_services_export():
    """A panel about a series or a label that nobody exports would stay empty for ever."""
    series = {**exported(), "up": set()}
    for dashboard in dashboards():
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                expression = Expression.read(target["expr"])
                known = OF_THE_TARGET.union(*(series.get(name, set()) for name in expression.metrics))

                assert expression.metrics, panel["title"]
                assert expression.metrics <= series.keys(), panel["title"]
                assert expression.labels <= known, panel["title"]


def test_panels_do_not_overlap():
    """Each has its own place on the grid of 24 columns."""
    for dashboard in dashboards():
        cells = [
            (x, y)
            for grid in (panel["gridPos"] for panel in dashboard["panels"])
            for x in range(grid["x"], grid["x"] + grid["w"])
            for y in range(grid["y"], grid["y"] + grid["h"])
        ]

        assert len(cells) == len(set(cells)), dashboard["uid"]
        assert max(x for x, _ in cells) < 24


def test_panels_use_the_source_that_compose_provisions():
    """The source of data has the same address where Grafana is told of it."""
    provisioned = yaml.safe_load((ROOT / "deploy/compose/grafana/datasources/prometheus.yaml").read_text())
    sources = {one["uid"] for one in provisioned["datasources"]}

    assert {panel["datasource"]["uid"] for one in dashboards() for panel in one["panels"]} <= sources


def test_every_series_is_documented():
    """The page of metrics names what the services export, with its labels, and nothing else."""
    page = (ROOT / "docs/operations/metrics.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| ([\w, ]*) ?\|", page, re.MULTILINE)
    documented = {name: {label.strip() for label in labels.split(",") if label.strip()} for name, labels in rows}
    series = {re.sub("_(bucket|sum|count)$", "", name): labels - {"le"} for name, labels in exported().items()}

    assert documented == series
