"""Makes the schemas beside this file anew: strict (unknown fields are refused), one file for each kind, no prose.

    python remake.py kubernetes_validate-….whl 1.32.0 CRD.yaml …

The wheel of the package `kubernetes-validate` carries the schemas of Kubernetes; the CRDs are files of the modules
`github.com/kedacore/keda/v2` and `github.com/mongodb/mongodb-kubernetes-operator` (`go mod download`).
"""

import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

KINDS = (
    "configmap-v1",
    "deployment-apps-v1",
    "horizontalpodautoscaler-autoscaling-v2",
    "ingress-networking-v1",
    "job-batch-v1",
    "namespace-v1",
    "networkpolicy-networking-v1",
    "persistentvolumeclaim-v1",
    "poddisruptionbudget-policy-v1",
    "secret-v1",
    "service-v1",
    "serviceaccount-v1",
    "statefulset-apps-v1",
)
_PROSE = {"description", "example", "default"}
_LOCAL = "#/$defs/"


def main(wheel: str, version: str, *crds: str) -> None:
    """Write every schema."""
    place = f"kubernetes_validate/kubernetes-json-schema/v{version}-local-strict/"
    with zipfile.ZipFile(wheel) as archive:
        definitions = json.loads(archive.read(f"{place}_definitions.json"))["$defs"]
        for kind in KINDS:
            _write(kind, _standalone(json.loads(archive.read(f"{place}{kind}.json")), definitions))
    for crd in crds:
        for name, schema in _kinds_of(yaml.safe_load(Path(crd).read_text())):
            _write(name, schema)


def _write(name: str, schema: dict[str, Any]) -> None:
    text = json.dumps(schema, separators=(",", ":"), sort_keys=True)
    Path(__file__).with_name(f"{name}.json").write_text(f"{text}\n")


def _standalone(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema with the definitions that it needs."""
    needed: dict[str, Any] = {}
    waiting = [_bare(schema)]
    whole = waiting[0]
    while waiting:
        for name in set(_referred(waiting.pop())) - needed.keys():
            needed[name] = _bare(definitions[name])
            waiting.append(needed[name])
    return {**whole, "$defs": needed}


def _referred(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(reference := part.get("$ref"), str):
            yield reference.removeprefix(_LOCAL)
        for value in part.values():
            yield from _referred(value)
    elif isinstance(part, list):
        for value in part:
            yield from _referred(value)


def _bare(part: Any, *, are_names: bool = False) -> Any:
    """Without prose and extensions; references lead into the same file."""
    if isinstance(part, list):
        return [_bare(value) for value in part]
    if not isinstance(part, dict):
        return part
    kept = {}
    for key, value in part.items():
        if key == "$ref" and not are_names:
            kept[key] = _LOCAL + value.rpartition("/")[2]
        elif are_names or not (key in _PROSE or key.startswith("x-kubernetes") or key in {"$schema", "$id"}):
            kept[key] = _bare(value, are_names=key == "properties" and not are_names)
    return kept


def _kinds_of(crd: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    spec = crd["spec"]
    group = spec["group"].partition(".")[0]
    for version in spec["versions"]:
        schema = _strict(version["schema"]["openAPIV3Schema"])
        schema["properties"]["metadata"] = {"type": "object"}
        yield f"{spec['names']['kind'].lower()}-{group}-{version['name']}", schema


def _strict(part: Any, *, are_names: bool = False) -> Any:
    """Refuses what a custom resource does not name, as the schemas of Kubernetes themselves do here."""
    if isinstance(part, list):
        return [_strict(value) for value in part]
    if not isinstance(part, dict):
        return part
    is_open = part.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in part
    strict = {
        key: _strict(value, are_names=key == "properties" and not are_names)
        for key, value in part.items()
        if are_names or not (key in _PROSE or key.startswith("x-kubernetes"))
    }
    if not are_names and isinstance(part.get("properties"), dict) and not is_open:
        strict["additionalProperties"] = False
    return strict


if __name__ == "__main__":
    main(*sys.argv[1:])
