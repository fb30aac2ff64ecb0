"""Who may talk to whom in Kubernetes, and with which rights: held against contracts and code."""

import re
from collections.abc import Iterator

import pytest

from contracts.topics import TOPICS
from deploy.kubernetes_manifests import OVERLAYS, ROOT, Manifest, of_kind, pod, rendered, written
from deskbus.composition import SERVICE_NAMES
from deskbus.engines import database_of
from service_kit.bus.kafka.address import KafkaAddress
from service_kit.bus.kafka.group import group_id


def policies(overlay: str) -> dict[str, Manifest]:
    """The NetworkPolicies of an overlay."""
    return of_kind(rendered(overlay), "NetworkPolicy")


def selected(policy: Manifest) -> set[str]:
    """The services that a policy is about."""
    selector = policy["spec"]["podSelector"]
    labels = selector.get("matchLabels", {})
    for one in selector.get("matchExpressions", ()):
        return set(one["values"])
    if component := labels.get("app.kubernetes.io/component"):
        return {component}
    return set(SERVICE_NAMES)


@pytest.mark.deploy
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_is_denied_first(overlay: str):
    """What no policy names is refused, in and out."""
    deny = policies(overlay)["default-deny"]["spec"]

    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.deploy
def test_services_reach_what_their_code_calls():
    """Blobs are reached by those who use them, each kind of outside by those who call it, and by nobody else."""
    found = policies("overlays/production")

    assert selected(found["blobs"]) == set(_services_with(r"platform\.blobs"))
    assert selected(found["web"]) == set(_services_with(r"\bGuardedHttp\("))
    assert selected(found["mailboxes"]) == set(_services_with(r"^from imapclient|^import imapclient"))
    assert selected(found["relay"]) == set(_services_with(r"smtp_relay_url"))
    assert selected(found["smtp"]) == {"ingest-email"}


@pytest.mark.deploy
def test_services_do_not_call_one_another():
    """Only the proxy and the monitoring come in by HTTP: services meet on the bus."""
    (rule,) = policies("overlays/production")["services"]["spec"]["ingress"]

    assert rule["from"] == [
        {"podSelector": {"matchLabels": {"app.kubernetes.io/component": "proxy"}}},
        {"namespaceSelector": {"matchLabels": {"deskbus/monitoring": "true"}}},
    ]


@pytest.mark.deploy
def test_policies_name_the_ports_of_the_engines():
    """What the URLs of the secrets say is what may be reached."""
    (engines, traces) = policies("overlays/production")["services"]["spec"]["egress"]
    allowed = {one["port"] for one in engines["ports"]}
    urls = [
        url
        for secret in of_kind(written("overlays/production/secrets.example.yaml"), "Secret").values()
        for name, url in secret["stringData"].items()
        if name in {"DESKBUS_BUS_URL", "DESKBUS_STORE_URL", "DESKBUS_REDIS_URL"}
    ]
    settings = of_kind(rendered("overlays/production"), "ConfigMap")
    otlp = next(
        one["data"]["DESKBUS_OTLP_ENDPOINT"] for one in settings.values() if "DESKBUS_OTLP_ENDPOINT" in one["data"]
    )

    assert len(urls) == 2 * (len(SERVICE_NAMES) + 1) + 1
    assert {int(match) for url in urls for match in re.findall(r":(\d+)[/?]", url)} == allowed
    assert otlp.endswith(f":{traces['ports'][0]['port']}")


def test_commands_reach_whatever_services_reach():
    """`deskbus doctor`, run beside the services, is let through wherever it looks for them: all but mailboxes."""
    written_policies = of_kind(written("base/network-policies.yaml"), "NetworkPolicy")
    rules = [rule for name in ("blobs", "web", "relay") for rule in written_policies[name]["spec"]["egress"]]
    (job,) = written("examples/command.yaml")
    labels = job["spec"]["template"]["metadata"]["labels"]

    assert written_policies["commands"]["spec"]["egress"][1:] == rules
    assert written_policies["commands"]["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    assert written_policies["services"]["spec"]["podSelector"]["matchLabels"].items() <= labels.items()


def test_secrets_are_named_as_deployments_ask_for_them():
    """The example has every secret that a Deployment of the base refers to, and its Kafka URLs can be read."""
    secrets = of_kind(written("overlays/production/secrets.example.yaml"), "Secret")
    asked = {
        source["secretRef"]["name"]
        for one in written("base")
        if one["kind"] in {"Deployment", "Job"}
        for container in pod(one)["containers"]
        for source in container.get("envFrom", ())
        if "secretRef" in source
    }

    assert asked == {"deskbus-shared", "deskbus-operator", *(f"deskbus-{name}" for name in SERVICE_NAMES)}
    assert secrets.keys() == asked | {"deskbus-keda", "deskbus-authorities"}
    for name in (*SERVICE_NAMES, "operator"):
        url = secrets[f"deskbus-{name}"]["stringData"]["DESKBUS_BUS_URL"].partition("?")[0]
        assert KafkaAddress.parse(url).servers == ("deskbus-kafka-bootstrap.deskbus-engines:9094",)
        assert f"//deskbus-{name}:" in url


def test_kafka_users_may_do_what_the_contracts_say():
    """Each service reads as its groups, writes what it produces and its dead letters, and no more."""
    users = of_kind(written("examples/strimzi/users.yaml"), "KafkaUser")

    assert users.keys() == {f"deskbus-{name}" for name in (*SERVICE_NAMES, "operator", "keda")}
    for name in SERVICE_NAMES:
        assert dict(_rights(users[f"deskbus-{name}"])) == _rights_by_contract(name), f"{name}: {_as_yaml(name)}"


def test_mongodb_users_have_the_database_of_their_service():
    """Nobody reads another service's database."""
    (cluster,) = (one for one in written("examples/mongodb") if one["kind"] == "MongoDBCommunity")
    roles = {one["name"]: one["roles"] for one in cluster["spec"]["users"]}

    assert roles.keys() == {f"deskbus-{name}" for name in (*SERVICE_NAMES, "operator")}
    for name in SERVICE_NAMES:
        assert roles[f"deskbus-{name}"] == [{"db": database_of(name), "name": "readWrite"}]
    assert {one["db"] for one in roles["deskbus-operator"]} == {database_of(name) for name in SERVICE_NAMES}


def _services_with(pattern: str) -> Iterator[str]:
    for name in SERVICE_NAMES:
        sources = (ROOT / f"services/{name}/src").rglob("*.py")
        if any(re.search(pattern, source.read_text(), re.MULTILINE) for source in sources):
            yield name


def _rights(user: Manifest) -> Iterator[tuple[tuple[str, str], frozenset[str]]]:
    for acl in user["spec"]["authorization"]["acls"]:
        resource = acl["resource"]
        assert resource["patternType"] == ("prefix" if resource["type"] == "group" else "literal")
        yield (resource["type"], resource["name"]), frozenset(acl["operations"])


def _rights_by_contract(service: str) -> dict[tuple[str, str], frozenset[str]]:
    rights = {("group", group_id(service, "")): frozenset({"Read"})}
    for topic in TOPICS:
        operations = {"Read"} if service in topic.consumers else set()
        operations |= {"Write"} if service in topic.producers else set()
        if operations:
            rights["topic", topic.name] = frozenset({"Describe", *operations})
        if service in topic.consumers:
            rights["topic", topic.dead_letter_topic(service)] = frozenset({"Describe", "Write"})
    return rights


def _as_yaml(service: str) -> str:
    """What would be right, to be copied."""
    return "\n".join(
        f"      - resource: {{type: {kind}, name: {name}, patternType: {'prefix' if kind == 'group' else 'literal'}}}\n"
        f"        operations: [{', '.join(sorted(operations))}]"
        for (kind, name), operations in _rights_by_contract(service).items()
    )
