"""The Kubernetes manifests as tests read them: written, rendered, and what a strict validator says of them."""

import json
import shutil
import subprocess
from base64 import b64decode
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from engines import wanting
from service_kit.settings import PlatformSettings

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "deploy/kubernetes"
SCHEMAS = Path(__file__).with_name("kubernetes_schemas")
OVERLAYS = ("overlays/trial", "overlays/production")
KUBECTL = "`kubectl` or `kustomize` on PATH, to render the manifests"

Manifest = dict[str, Any]


@cache
def rendered(folder: str) -> tuple[Manifest, ...]:
    """What would be applied."""
    for command in (["kubectl", "kustomize"], ["kustomize", "build"]):
        if shutil.which(command[0]):
            done = subprocess.run(  # noqa: S603 - our own command
                [*command, str(MANIFESTS / folder)], capture_output=True, text=True, check=True, timeout=60
            )
            return tuple(yaml.load_all(done.stdout, Loader=yaml.CSafeLoader))
    pytest.skip(wanting.reason(KUBECTL))


@cache
def written(place: str) -> tuple[Manifest, ...]:
    """What stands in a file, or in all files of a folder."""
    path = MANIFESTS / place
    files = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
    return tuple(one for file in files for one in yaml.load_all(file.read_text(), Loader=yaml.CSafeLoader))


def of_kind(manifests: tuple[Manifest, ...], kind: str) -> dict[str, Manifest]:
    """Those of one kind, by name."""
    return {one["metadata"].get("name", ""): one for one in manifests if one["kind"] == kind}


def pod(workload: Manifest) -> Manifest:
    """The pod that a workload starts."""
    spec: Manifest = workload["spec"]["template"]["spec"]
    return spec


def environment(manifests: tuple[Manifest, ...], workload: Manifest) -> dict[str, str]:
    """What the first container finds in its environment, as far as manifests say it."""
    container = pod(workload)["containers"][0]
    found: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        for kind, reference in (("ConfigMap", source.get("configMapRef")), ("Secret", source.get("secretRef"))):
            held = of_kind(manifests, kind).get(reference["name"], {}).get("data", {}) if reference else {}
            found |= {name: b64decode(text).decode() if kind == "Secret" else text for name, text in held.items()}
    return found | {one["name"]: one.get("value", "") for one in container.get("env", ())}


def schema_errors(manifest: Manifest) -> list[str]:
    """What a strict validator says."""
    group, _, version = manifest["apiVersion"].rpartition("/")
    suffix = f"-{group.partition('.')[0]}-{version}" if group else f"-{version}"
    schema = json.loads((SCHEMAS / f"{manifest['kind'].lower()}{suffix}.json").read_text())
    found = jsonschema_rs.validator_for(schema).iter_errors(manifest)
    return [f"{manifest['kind']} {manifest['metadata'].get('name')}: {error.message}" for error in found]


def platform_settings(variables: dict[str, str]) -> PlatformSettings:
    """What a process would read from these variables."""
    fields = {
        name: variables[key]
        for name in PlatformSettings.model_fields
        if (key := f"DESKBUS_{name.upper()}") in variables
    }
    return PlatformSettings(**fields)
