"""The manifests of `deploy/kubernetes/`, held to the code, to the image, and to `docker-compose.yml`."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from ticker.__main__ import ROLES, _parser
from ticker.app import Role, create_app
from ticker.metrics import Metrics
from ticker.serve import GRACE
from ticker.settings import PREFIX, Settings

from tests.fleet.deployed import ROOT, compose
from tests.fleet.proxy import FORM, TEMPLATE

BASE = ROOT / "deploy" / "kubernetes" / "base"
ROLES_DEPLOYED = ("api", "fanout", "push")
ALL = (*ROLES_DEPLOYED, "proxy")
Document = dict[str, Any]


def read(path: Path) -> list[Document]:
    """Every document of a file."""
    return [found for found in yaml.safe_load_all(path.read_text(encoding="utf-8")) if found]


KUSTOMIZATION = read(BASE / "kustomization.yaml")[0]
DOCUMENTS = [document for name in KUSTOMIZATION["resources"] for document in read(BASE / name)]
SETTINGS: dict[str, str] = dict(
    literal.split("=", 1)
    for generator in KUSTOMIZATION["configMapGenerator"]
    for literal in generator.get("literals", [])
)


def one(kind: str, name: str) -> Document:
    """The document of this kind and name."""
    (found,) = [each for each in DOCUMENTS if (kind, name) == (each["kind"], each["metadata"]["name"])]
    return found


def pod(component: str) -> Document:
    """What a Deployment starts."""
    found: Document = one("Deployment", f"ticker-{component}")["spec"]["template"]
    return found


def container(component: str) -> Document:
    """Its one container."""
    (found,) = pod(component)["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def environ(component: str) -> dict[str, str]:
    """The variables that stand in the container's own list; None for what comes from elsewhere."""
    return {each["name"]: each.get("value") for each in container(component)["env"]}


def test_every_file_of_the_base_is_part_of_it() -> None:
    """What is not listed is not applied, and nobody notices."""
    assert sorted(KUSTOMIZATION["resources"]) == sorted(
        path.name for path in BASE.glob("*.yaml") if path.name != "kustomization.yaml"
    )
    for generator in KUSTOMIZATION["configMapGenerator"]:
        assert all((BASE / name).is_file() for name in generator.get("files", []))
    (example,) = read(ROOT / "deploy/kubernetes/overlays/example/kustomization.yaml")
    assert BASE == (ROOT / "deploy/kubernetes/overlays/example" / example["resources"][0]).resolve()


@pytest.mark.parametrize("name", ROLES_DEPLOYED)
def test_each_role_is_started_by_its_command_with_settings_that_there_are(name: str) -> None:
    """A variable that nobody reads is a setting that silently keeps its default."""
    assert name in ROLES
    assert name == _parser().parse_args(container(name)["args"]).command
    given = {**SETTINGS, **environ(name)}
    assert {PREFIX + field.upper() for field in Settings.model_fields} >= set(given)
    known = {variable: value for variable, value in given.items() if value is not None}
    taken = Settings.load(known)
    assert known == {variable: taken.environ()[variable] for variable in known} | {
        "TICKER_DRAIN": known["TICKER_DRAIN"]
    }
    assert "ticker-settings" in [each["configMapRef"]["name"] for each in container(name)["envFrom"]]


def test_secrets_are_named_and_not_contained() -> None:
    """Each role has its own address of the store, and only who takes posts has the key."""
    secrets = {
        name: {
            each["name"]: each["valueFrom"]["secretKeyRef"]["key"]
            for each in container(name)["env"]
            if "secretKeyRef" in each.get("valueFrom", {})
        }
        for name in ROLES_DEPLOYED
    }
    assert {
        "api": {"TICKER_REDIS_URL": "redis-url-api", "TICKER_BOOTSTRAP_KEY": "bootstrap-key"},
        "fanout": {"TICKER_REDIS_URL": "redis-url-fanout"},
        "push": {"TICKER_REDIS_URL": "redis-url-push"},
    } == secrets
    assert not [document for document in DOCUMENTS if document["kind"] == "Secret"]


@pytest.mark.parametrize("name", ["api", "fanout"])
def test_probes_ask_what_the_role_answers(name: Role) -> None:
    """Live where a new start helps, ready where somebody else can answer; on the port that it listens on."""
    app = create_app(Settings.load({"TICKER_REDIS_URL": "redis://127.0.0.1:1"}), name)
    served = {getattr(route, "path", None) for route in app.routes}
    found = container(name)
    asked = {probe: found[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert ["/health/live", "/health/live", "/health/ready"] == [each["path"] for each in asked.values()]
    assert {each["path"] for each in asked.values()} <= served
    assert {"http"} == {each["port"] for each in asked.values()}
    assert [{"name": "http", "containerPort": Settings().port}] == found["ports"]
    # A fan-out that is not heard of for longer than this sends its readers away itself.
    assert found["readinessProbe"]["periodSeconds"] * found["readinessProbe"]["failureThreshold"] <= 5


def test_the_bridge_is_asked_on_the_port_of_its_figures() -> None:
    """It listens on no other."""
    found = container("push")
    assert [{"name": "metrics", "containerPort": int(environ("push")["TICKER_PUSH_METRICS"])}] == found["ports"]
    assert {"path": "/health/live", "port": "metrics"} == found["livenessProbe"]["httpGet"]
    assert {"path": "/health/ready", "port": "metrics"} == found["readinessProbe"]["httpGet"]


@pytest.mark.parametrize("name", ALL)
def test_a_pod_has_more_time_to_end_than_it_needs(name: str) -> None:
    """By the end of its grace its readers were sent away, and who was under way has arrived."""
    pause = int(container(name).get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", [0, 0])[1])
    needed = float(SETTINGS["TICKER_DRAIN"]) + GRACE
    if name == "proxy":
        needed = float(environ("proxy")["PROXY_DRAIN"].removesuffix("s"))
    assert pod(name)["spec"]["terminationGracePeriodSeconds"] > pause + needed
    if name != "push":
        resolver = re.search(r"valid=(\d+)s", environ("proxy")["PROXY_RESOLVER"])
        assert resolver is not None
        assert pause >= 2 * int(resolver[1])


@pytest.mark.parametrize("name", ALL)
def test_no_pod_can_do_more_than_it_must(name: str) -> None:
    """No root, no capability, no write outside a volume, no token of the cluster, and memory has an end."""
    spec, found = pod(name)["spec"], container(name)
    assert not spec["automountServiceAccountToken"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert {"type": "RuntimeDefault"} == spec["securityContext"]["seccompProfile"]
    assert {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    } == found["securityContext"]
    assert "memory" in found["resources"]["limits"]
    assert "cpu" in found["resources"]["requests"]
    if name != "proxy":
        user = re.search(r"^USER (\d+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
        assert user is not None
        assert int(user[1]) == spec["securityContext"]["runAsUser"]


@pytest.mark.parametrize("name", ALL)
def test_what_belongs_to_a_pod_finds_it_by_its_labels(name: str) -> None:
    """A selector that fits nothing protects nothing, and serves nobody."""
    labels = pod(name)["metadata"]["labels"]
    assert {"app.kubernetes.io/name": "ticker", "app.kubernetes.io/component": name} == labels
    assert labels == one("Deployment", f"ticker-{name}")["spec"]["selector"]["matchLabels"]
    budget = one("PodDisruptionBudget", f"ticker-{name}")["spec"]
    assert labels == budget["selector"]["matchLabels"]
    assert 1 == budget.get("minAvailable", budget.get("maxUnavailable"))
    # With one pod that has to be there at all times no node could ever be emptied.
    assert name == "fanout" or one("Deployment", f"ticker-{name}")["spec"]["replicas"] >= 2
    if name != "push":
        service = one("Service", "ticker" if name == "proxy" else f"ticker-{name}")["spec"]
        assert labels == service["selector"]
        assert {"http"} == {port["targetPort"] for port in service["ports"]}


def test_the_proxy_is_that_of_the_compose_file() -> None:
    """The same image, called alike, with everything that its template asks for; it names the services of here."""
    deployed, composed = container("proxy"), compose()["services"]["proxy"]
    assert composed["image"] == deployed["image"]
    assert composed["command"] == deployed["args"]
    given = environ("proxy")
    assert set(FORM.findall(TEMPLATE.read_text(encoding="utf-8"))) == {name for name in given if "PROXY_" in name[:6]}
    assert set(composed["environment"]) == set(given) - {"NAMESPACE"}
    for variable, service in (("PROXY_EDITORS", "ticker-api"), ("PROXY_READERS", "ticker-fanout")):
        port = one("Service", service)["spec"]["ports"][0]["port"]
        assert f"server {service}.$(NAMESPACE).svc.cluster.local:{port} resolve max_fails=0;" == given[variable]
        # Else nginx would see one address, and could give nobody his share.
        assert "None" == one("Service", service)["spec"]["clusterIP"]
    assert [{"name": "http", "containerPort": int(given["PROXY_LISTEN"])}] == deployed["ports"]


def test_the_proxy_has_its_template_and_every_role_the_channels() -> None:
    """What is mounted is what is generated, where it is looked for."""
    files = {
        generator["name"]: [Path(name).name for name in generator.get("files", [])]
        for generator in KUSTOMIZATION["configMapGenerator"]
    }
    for name in ALL:
        volumes = {volume["name"]: volume for volume in pod(name)["spec"]["volumes"]}
        mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in container(name)["volumeMounts"]}
        where, map_name = (
            ("/etc/nginx/templates", "ticker-proxy") if name == "proxy" else ("/etc/ticker", "ticker-channels")
        )
        assert map_name == mounts[where]["configMap"]["name"]
        wanted = TEMPLATE.name if name == "proxy" else Path(SETTINGS["TICKER_CHANNELS"]).name
        assert [wanted] == files[map_name]
        assert name == "proxy" or where == str(Path(SETTINGS["TICKER_CHANNELS"]).parent)
    assert tomllib.loads((BASE / "channels.toml").read_text(encoding="utf-8"))["channels"]


def test_fan_outs_are_as_many_as_their_readers_need() -> None:
    """By a figure that there is, at half of what one may have, so that the readers of another find room."""
    scaler = one("HorizontalPodAutoscaler", "ticker-fanout")["spec"]
    assert ("Deployment", "ticker-fanout") == (scaler["scaleTargetRef"]["kind"], scaler["scaleTargetRef"]["name"])
    assert "replicas" not in one("Deployment", "ticker-fanout")["spec"]
    (metric,) = scaler["metrics"]
    name = metric["pods"]["metric"]["name"]
    figures = Metrics(["en"])
    figures.standing("en", {"websocket": 1, "sse": 0}, 0.0, 0)
    assert f"{name}{{" in figures.page().decode()
    assert 2 * int(metric["pods"]["target"]["averageValue"]) == int(environ("fanout")["TICKER_MAX_READERS"])
    (adapter,) = read(ROOT / "deploy/kubernetes/prometheus-adapter.yaml")
    (rule,) = adapter["rules"]["custom"]
    assert name == rule["name"]["as"] == rule["seriesQuery"].partition("{")[0]


def test_whoever_is_believed_or_shown_figures_can_only_be_the_proxy_or_prometheus() -> None:
    """TICKER_PROXIES and TICKER_METRICS name the network of all pods, so the policies have to keep the others out."""
    assert SETTINGS["TICKER_METRICS"].endswith("," + SETTINGS["TICKER_PROXIES"])
    policies = {each["metadata"]["name"]: each["spec"] for each in DOCUMENTS if each["kind"] == "NetworkPolicy"}
    everything = policies["ticker"]
    assert {"matchLabels": {"app.kubernetes.io/name": "ticker"}} == everything["podSelector"]
    assert ["Ingress", "Egress"] == everything["policyTypes"]
    let_in = {name: spec["ingress"] for name, spec in policies.items() if spec.get("ingress")}
    assert {"ticker", "ticker-proxy", "ticker-served"} == set(let_in)
    (served,) = let_in["ticker-served"]
    assert [{"podSelector": {"matchLabels": pod("proxy")["metadata"]["labels"]}}] == served["from"]
    assert [{"port": container("api")["ports"][0]["containerPort"]}] == served["ports"]
    assert all(
        "podSelector" in source or "namespaceSelector" in source
        for rules in let_in.values()
        for source in rules[0]["from"]
    )
    # Only the bridge gets out, and it cannot be made to call on what is inside.
    blocks = {name: spec for name, spec in policies.items() if "ipBlock" in str(spec)}
    assert ["ticker-push"] == list(blocks)
    assert pod("push")["metadata"]["labels"] == blocks["ticker-push"]["podSelector"]["matchLabels"]


def test_the_ingress_waits_as_long_as_the_proxy() -> None:
    """And leads there: which half answers is not its business."""
    ingress = one("Ingress", "ticker")
    (rule,) = ingress["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert ("/", "ticker", "http") == (
        path["path"],
        path["backend"]["service"]["name"],
        path["backend"]["service"]["port"]["name"],
    )
    assert [rule["host"]] == ingress["spec"]["tls"][0]["hosts"]
    notes = {name.rpartition("/")[2]: value for name, value in ingress["metadata"]["annotations"].items()}
    assert "off" == notes["proxy-buffering"]
    assert float(notes["proxy-read-timeout"]) >= 3 * Settings().heartbeat
