"""Write, or check, what is generated from the contracts: JSON Schemas and the AsyncAPI document.

    python -m contracts.generate FOLDER            write schemas/ and asyncapi/ below FOLDER
    python -m contracts.generate FOLDER --check    fail if they differ from the code

An incompatible change to a committed schema is refused either way: give the type a new major version instead.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contracts.asyncapi import asyncapi_document
from contracts.compatibility import incompatibilities
from contracts.completeness import type_name
from contracts.topic import Topic
from contracts.topics import TOPICS

DOCUMENT_VERSION = "1"


def generated_files(topics: Sequence[Topic]) -> dict[str, str]:
    """Relative path to content of every generated file."""
    files = {
        f"schemas/{type_name(event)}.json": _as_text(event.model_json_schema(mode="validation"))
        for topic in topics
        for event in topic.events
    }
    files["asyncapi/deskbus.json"] = _as_text(asyncapi_document(topics, version=DOCUMENT_VERSION))
    return files


def breaking_changes(folder: Path, topics: Sequence[Topic]) -> list[str]:
    """How the code breaks the schemas that are committed in `folder`."""
    files = generated_files(topics)
    found = []
    for path in sorted((folder / "schemas").glob("*.json")):
        name = f"schemas/{path.name}"
        if name not in files:
            found.append(f"{path.stem}: the type was removed")
            continue
        before = json.loads(path.read_text())
        found += [f"{path.stem}: {reason}" for reason in incompatibilities(before, json.loads(files[name]))]
    return found


def outdated_files(folder: Path, topics: Sequence[Topic]) -> list[str]:
    """Generated files that differ from the code, or are missing."""
    return [
        name
        for name, content in generated_files(topics).items()
        if not (folder / name).is_file() or (folder / name).read_text() != content
    ]


def write_files(folder: Path, topics: Sequence[Topic]) -> None:
    """Write every generated file."""
    for name, content in generated_files(topics).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def _as_text(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m contracts.generate", description=__doc__)
    parser.add_argument("folder", type=Path, help="the contracts folder, for example `contracts`")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if anything differs")
    options = parser.parse_args(arguments)
    broken = breaking_changes(options.folder, TOPICS)
    if broken:
        sys.stderr.write("Incompatible with the committed schemas; publish a new major version instead:\n")
        sys.stderr.writelines(f"  {line}\n" for line in broken)
        return 1
    if options.check:
        outdated = outdated_files(options.folder, TOPICS)
        sys.stderr.writelines(f"out of date: {name} (run `make contracts`)\n" for name in outdated)
        return 1 if outdated else 0
    write_files(options.folder, TOPICS)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
