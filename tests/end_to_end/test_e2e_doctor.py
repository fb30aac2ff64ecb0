"""`deskbus doctor` beside a running system."""

import json

from end_to_end.system import RunningSystem


def test_a_running_system_is_well(system: RunningSystem) -> None:
    """Everything that the services stand on is looked at, nothing is wrong, and no password is told (S2)."""
    finished = system.commands.run("doctor", "--json")
    findings = [json.loads(line) for line in finished.printed.splitlines() if line.startswith("{")]

    assert finished.code == 0, finished.printed
    assert {"settings", "redis", "clock", "bus", "store", "blobs", "secret key"} <= {one["check"] for one in findings}
    assert [one for one in findings if one["state"] == "failed"] == []
    assert system.process.is_ready()
