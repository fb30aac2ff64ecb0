"""Runs a `deskbus` command for each line of its input: starting the program anew each time would take seconds.

A line is the JSON list of the command's arguments; what it prints ends with a line `{"exit": code}`.
"""

import json
import sys

from deskbus.cli import app

for line in sys.stdin:
    code = app(json.loads(line), standalone_mode=False)
    sys.stdout.write("\n" + json.dumps({"exit": code or 0}) + "\n")
    sys.stdout.flush()
