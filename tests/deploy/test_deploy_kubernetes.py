"""The Kubernetes manifests, rendered and held against strict schemas and against the code that they run."""

import asyncio
import ipaddress
import re

import pytest

from contracts.topics import TOPICS
from deploy.kubernetes_manifests import (
    MANIFESTS,
    OVERLAYS,
    ROOT,
    environment,
    of_kind,
    platform_settings,
    pod,
    rendered,
    schema_errors,
    written,
)
from deskbus.composition import SERVICE_NAMES
from deskbus.production import require_production
from deskbus.routes import caddy_fragment, known_routes
from ingest_email.settings import IngestEmailSettings
from ingest_sms.settings import SmsIngestSettings
from notifier.settings import NotifierSettings
from service_kit.bus.kafka.group import group_id
from service_kit.http import health
from service_kit.settings import PlatformSettings
from webchat_gateway.settings import WebchatSettings

SETTINGS = (PlatformSettings, IngestEmailSettings, SmsIngestSettings, NotifierSettings, WebchatSettings)
NO_SCHEMA = {"kafka.strimzi.io", "monitoring.coreos.com"}
"""Groups whose schemas no registry of packages carries."""


def known_variables() -> set[str]:
    """Every environment variable that a service reads."""
    return {
        f"{settings.model_config['env_prefix']}{name}".upper()
        for settings in SETTINGS
        for name in settings.model_fields
    }


@pytest.mark.deploy
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_overlays_hold_against_strict_schemas(overlay: str):
    """Every manifest of an overlay is one that Kubernetes takes, without a field that it does not know."""
    manifests = rendered(overlay)

    assert len(manifests) > 30
    assert [error for one in manifests for error in schema_errors(one)] == []


def test_examples_and_secrets_hold_against_strict_schemas():
    """Also what is only copied by hand is well formed, as far as there are schemas."""
    manifests = (*written("examples"), *written("overlays/production/secrets.example.yaml"))
    checked = [one for one in manifests if one["apiVersion"].partition("/")[0] not in NO_SCHEMA]

    assert {one["kind"] for one in checked} >= {"MongoDBCommunity", "Secret", "Job", "Namespace"}
    assert [error for one in checked for error in schema_errors(one)] == []


def test_the_validator_refuses_what_it_does_not_know():
    """A misspelt field is found: the schemas are strict."""
    manifest = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"port": []}}

    assert len(schema_errors(manifest)) == 1


@pytest.mark.deploy
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_service_is_deployed_and_protected(overlay: str):
    """Each of the seven services has a Deployment that runs it, a Service, and a budget for drained nodes."""
    manifests = rendered(overlay)
    deployments = of_kind(manifests, "Deployment")

    assert deployments.keys() == {*SERVICE_NAMES, "proxy"}
    assert of_kind(manifests, "Service").keys() >= deployments.keys()
    assert of_kind(manifests, "PodDisruptionBudget").keys() == deployments.keys()
    for name in SERVICE_NAMES:
        container = pod(deployments[name])["containers"][0]
        assert (container["command"], container["args"]) == (["deskbus"], ["run", name])
        assert of_kind(manifests, "Service")[name]["spec"]["selector"]["app.kubernetes.io/component"] == name
    assert pod(of_kind(manifests, "Job")["init"])["containers"][0]["args"][0] == "init"


@pytest.mark.deploy
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_are_restricted(overlay: str):
    """Every pod would be let into a namespace that enforces the restricted standard; ours cannot write their image."""
    manifests = rendered(overlay)
    ours = {*SERVICE_NAMES, "init", "proxy"}

    for one in manifests:
        if one["kind"] not in {"Deployment", "StatefulSet", "Job"}:
            continue
        spec, name = pod(one), one["metadata"]["name"]
        assert spec["securityContext"]["runAsNonRoot"], name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is False, name
        for container in spec["containers"]:
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False, name
            assert security["capabilities"]["drop"] == ["ALL"], name
            assert set(security["capabilities"].get("add", ())) <= {"NET_BIND_SERVICE"}, name
            assert "memory" in container["resources"]["limits"], name
            if name in ours:
                assert security["readOnlyRootFilesystem"] is True, name
    assert (
        of_kind(manifests, "Namespace")["deskbus"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        == "restricted"
    )


@pytest.mark.deploy
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_have_longer_to_stop_than_the_process_takes(overlay: str):
    """The process ends by itself, with room to spare, before it is killed."""
    manifests = rendered(overlay)
    for name in SERVICE_NAMES:
        deployment = of_kind(manifests, "Deployment")[name]
        settings = platform_settings(environment(manifests, deployment))
        drain = settings.stop_delay_seconds + settings.stop_grace_seconds

        assert pod(deployment)["terminationGracePeriodSeconds"] >= drain + 15, name


@pytest.mark.deploy
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_probes_ask_what_the_code_answers(overlay: str):
    """A process that waits for its engines is alive and not ready; readiness may take as long as its pings."""
    for name in SERVICE_NAMES:
        container = pod(of_kind(rendered(overlay), "Deployment")[name])["containers"][0]
        paths = [container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")]

        assert paths == ["/healthz", "/healthz", "/readyz"]
        assert container["readinessProbe"]["timeoutSeconds"] > health._PING_SECONDS


@pytest.mark.deploy
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_variable_is_read_by_somebody(overlay: str):
    """No setting in the manifests is misspelt, and what they say is something that the settings take."""
    manifests = rendered(overlay)
    deployments = of_kind(manifests, "Deployment")
    for name in SERVICE_NAMES:
        variables = environment(manifests, deployments[name])
        ours = {one for one in variables if re.match("DESKBUS_|INGEST_|NOTIFIER_|WEBCHAT_", one)}
        settings = platform_settings(variables)

        assert ours <= known_variables()
        assert settings.http_host == "0.0.0.0"  # noqa: S104 - it must be reached from other pods
        ipaddress.ip_network(settings.trusted_proxies)


@pytest.mark.deploy
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_ports_are_those_that_processes_listen_on(overlay: str):
    """What the settings say, the containers, Services and policies repeat."""
    manifests = rendered(overlay)
    deployments, services = of_kind(manifests, "Deployment"), of_kind(manifests, "Service")
    for name in SERVICE_NAMES:
        settings = platform_settings(environment(manifests, deployments[name]))
        ports = {one["name"]: one["containerPort"] for one in pod(deployments[name])["containers"][0]["ports"]}

        assert ports["http"] == settings.http_port
        assert services[name]["spec"]["ports"] == [{"name": "http", "port": settings.http_port, "targetPort": "http"}]
        assert ("smtp" in ports) == (name == "ingest-email")
        assert ports.get("smtp", settings.smtp_port) == settings.smtp_port
    proxy = {one["name"]: one for one in pod(deployments["proxy"])["containers"][0]["env"]}
    assert proxy["DESKBUS_HTTP_PORT"]["value"] == str(settings.http_port)


def test_the_proxy_has_the_routes_of_the_services() -> None:
    """The table of prefixes is the one that the services themselves give (`deskbus routes --caddy` writes it)."""
    made = caddy_fragment(asyncio.run(known_routes()))

    assert (MANIFESTS / "base/routes.caddy").read_text() == made


def test_pods_run_as_the_user_of_the_image() -> None:
    """The user by whom the image's files are owned is the one that pods ask for."""
    user, group = re.findall(r"^USER (\d+):(\d+)$", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE)[0]
    (common,) = written("base/service-pod.yaml")
    (init,) = written("base/init.yaml")

    for workload in (common, init):
        security = pod(workload)["securityContext"]
        assert (security["runAsUser"], security["runAsGroup"]) == (int(user), int(group))


@pytest.mark.deploy
def test_what_scales_scales_one_way():
    """Each Deployment of production has one autoscaler, and no more replicas than a topic has partitions."""
    manifests = rendered("overlays/production")
    by_lag, by_cpu = of_kind(manifests, "ScaledObject"), of_kind(manifests, "HorizontalPodAutoscaler")
    partitions = {topic.name: topic.partitions for topic in TOPICS}
    readers = {topic.name: topic.consumers for topic in TOPICS}

    assert by_lag.keys() == {"tickets", "router", "notifier", "reporting"}
    assert by_cpu.keys() | by_lag.keys() == of_kind(manifests, "Deployment").keys()
    assert not by_cpu.keys() & by_lag.keys()
    for name, scaled in by_lag.items():
        kafka = [one["metadata"] for one in scaled["spec"]["triggers"] if one["type"] == "kafka"]
        assert scaled["spec"]["scaleTargetRef"]["name"] == name
        assert all(one["consumerGroup"] == group_id(name, one["topic"]) for one in kafka)
        assert "fallback" not in scaled["spec"]  # KEDA refuses it beside a trigger by CPU
        assert all(name in readers[one["topic"]] for one in kafka)
        assert scaled["spec"]["maxReplicaCount"] <= min(partitions[one["topic"]] for one in kafka)
        assert scaled["spec"]["minReplicaCount"] >= 2
    assert all("replicas" not in one["spec"] for one in of_kind(manifests, "Deployment").values())


@pytest.mark.deploy
def test_a_trial_has_one_process_of_each_service():
    """Nothing is left to be set; and the old process ends before the new one starts, as Valkey Streams need it."""
    manifests = rendered("overlays/trial")
    for name in SERVICE_NAMES:
        deployment = of_kind(manifests, "Deployment")[name]
        settings = platform_settings(environment(manifests, deployment))
        require_production(settings)

        assert deployment["spec"]["replicas"] == 1
        assert deployment["spec"]["strategy"] == {"type": "Recreate"}
        assert len(pod(deployment)["containers"][0]["envFrom"]) == 2
        assert settings.blobs_url.startswith("file://")
