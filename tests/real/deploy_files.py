"""What is in `deploy`: container, compose, systemd and Kubernetes, each read by a tool of its users.

`deploy_files.py BINARY FOLDER`, with the folder that pip put its programs into."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import compose_spec
import yaml

from demo_gateway import report

BINARY, TOOLS = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
DEPLOY = Path("deploy")
# What the admin listener needs no token for.
PROBES = {"/livez", "/readyz"}


def run(*command, **options):
    """Whether a command succeeds; what it says is shown if it does not."""
    outcome = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=300, **options
    )
    if outcome.returncode != 0:
        print(outcome.stdout, outcome.stderr, file=sys.stderr)
    return outcome.returncode == 0


def configuration(text):
    """Whether `groupgate check` takes this configuration, once the secrets that it names are there."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"PATH": os.environ["PATH"]}
        for name in re.findall(r'env = "(\w+)"', text):
            environment[name] = "a secret that is long enough for cursors"
        for path in re.findall(r'file = "([^"]+)"', text):
            file = Path(folder) / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("a secret that is long enough for cursors")
            text = text.replace(path, str(file))
        file = Path(folder) / "gateway.toml"
        file.write_text(text)
        return run(BINARY, "check", file, env=environment)


def container():
    yield "hadolint finds no fault in the Containerfile", run(
        TOOLS / "hadolint", "--failure-threshold", "info", DEPLOY / "Containerfile"
    )
    stages = re.split(r"^FROM ", (DEPLOY / "Containerfile").read_text(), flags=re.M)[1:]
    yield "the image is built without the tools", "--no-default-features" in stages[0]
    yield "the image runs as a user without rights", "\nUSER 65532" in stages[-1]


def compose():
    folder = DEPLOY / "compose"
    text = (folder / "compose.yaml").read_text()
    compose_spec.PyCompose.from_yaml(text).validate()
    services = yaml.safe_load(text)["services"]
    yield "compose_spec reads compose.yaml", len(services) == 5
    depended = {name for service in services.values() for name in service.get("depends_on", [])}
    yield "services depend on services that there are", depended <= services.keys()
    mounts = [mount.split(":") for service in services.values() for mount in service.get("volumes", [])]
    missing = [source for source, *_ in mounts if not (folder / source).exists()]
    yield f"everything that is mounted is there {missing}", mounts and not missing
    yield "mounts are read-only", all(mount[-1] == "ro" for mount in mounts)
    ports = [port for service in services.values() for port in service.get("ports", [])]
    yield "no port is open to others", all(port.startswith("127.0.0.1:") for port in ports)
    gateway = (folder / "config" / "gateway.toml").read_text()
    yield "groupgate takes the configuration of compose.yaml", configuration(gateway)
    host = re.search(r'base_url = "http://(\w+)"', gateway)[1]
    yield "its upstream is a service", host in services

    collector = yaml.safe_load((folder / "collector.yaml").read_text())
    for name, pipeline in collector["service"]["pipelines"].items():
        for kind in ("receivers", "processors", "exporters"):
            named = set(pipeline[kind])
            yield f"the collector's {name} have their {kind}", named and named <= collector[kind].keys()
    endpoint = services["groupgate"]["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"]
    port = collector["receivers"]["otlp"]["protocols"]["http"]["endpoint"].rsplit(":", 1)[1]
    yield "groupgate sends where the collector listens", endpoint == f"http://collector:{port}"


def systemd():
    if not shutil.which("systemd-analyze"):
        print("not checked: groupgate.service, for there is no systemd-analyze")
        return
    unit = DEPLOY / "groupgate.service"
    yield "systemd-analyze rates the unit's exposure at most 3.0", run(
        "systemd-analyze", "security", "--offline=true", "--threshold=30", unit
    )
    with tempfile.TemporaryDirectory() as folder:
        # This machine has neither the binary nor the page where the unit expects them.
        text = unit.read_text().replace("/usr/local/bin/groupgate", str(BINARY))
        text = text.replace("Documentation=man:groupgate(1)\n", "")
        copy = Path(folder) / unit.name
        copy.write_text(text)
        outcome = subprocess.run(
            ["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, timeout=60
        )
    said = [line for line in outcome.stderr.splitlines() if unit.name in line]
    yield f"systemd-analyze verifies the unit {said}", outcome.returncode == 0 and not said


def kubernetes():
    folder = DEPLOY / "kubernetes"
    rendered = subprocess.run(
        [TOOLS / "kubectl", "kustomize", folder], check=True, capture_output=True, text=True
    ).stdout
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(rendered)
        file.flush()
        yield "kubernetes-validate takes every object", run(
            TOOLS / "kubernetes-validate", "--strict", "--quiet", file.name
        )
    objects = {each["kind"]: each for each in yaml.safe_load_all(rendered)}
    kinds = {"ConfigMap", "Deployment", "HorizontalPodAutoscaler", "NetworkPolicy", "PodDisruptionBudget"}
    yield "there is every kind of object", objects.keys() == kinds | {"Service"}

    template = objects["Deployment"]["spec"]["template"]
    pod, labels = template["spec"], template["metadata"]["labels"]
    [main] = pod["containers"]
    selectors = {
        "Deployment": objects["Deployment"]["spec"]["selector"]["matchLabels"],
        "Service": objects["Service"]["spec"]["selector"],
        "PodDisruptionBudget": objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        "NetworkPolicy": objects["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    } | {
        constraint["topologyKey"]: constraint["labelSelector"]["matchLabels"]
        for constraint in pod["topologySpreadConstraints"]
    }
    for kind, selector in selectors.items():
        yield f"{kind} selects the pods, and no others", selector and selector == labels
    target = objects["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"]
    yield "the autoscaler scales the deployment", target == objects["Deployment"]["metadata"]["name"]
    yield "and nobody else does", "replicas" not in objects["Deployment"]["spec"]

    ports = {port["name"] for port in main["ports"]}
    used = {port["targetPort"] for port in objects["Service"]["spec"]["ports"]}
    used |= {port["port"] for rule in objects["NetworkPolicy"]["spec"]["ingress"] for port in rule["ports"]}
    probes = [main[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")]
    used |= {probe["port"] for probe in probes}
    yield "every port that is named is one of the container", used == ports
    yield "probes ask for what needs no token", {probe["path"] for probe in probes} == PROBES
    volumes = {volume["name"] for volume in pod["volumes"]}
    yield "every volume is mounted", {mount["name"] for mount in main["volumeMounts"]} == volumes

    text = objects["ConfigMap"]["data"]["gateway.toml"]
    gateway = tomllib.loads(text)
    yield "groupgate takes the config map", configuration(text)
    listened = {gateway["server"][key].rsplit(":", 1)[1] for key in ("listen", "admin")}
    yield "it listens on the container's ports", listened == {
        str(port["containerPort"]) for port in main["ports"]
    }
    paths = [mount["mountPath"] for mount in main["volumeMounts"]]
    files = re.findall(r'(?:file|directory) = "([^"]+)"', text) + [main["args"][-1]]
    homeless = [file for file in files if not any(file.startswith(f"{path}/") for path in paths)]
    yield f"every file that it names is in a volume {homeless}", not homeless
    # README's defaults: 30 s to drain.
    delay = int(gateway["server"]["shutdown_delay"].rstrip("s"))
    yield "a pod has the time that stopping takes", pod["terminationGracePeriodSeconds"] > delay + 30

    yield "pods run without rights, under the runtime's seccomp profile", (
        pod["securityContext"]["runAsNonRoot"]
        and pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
        and not pod["automountServiceAccountToken"]
        and main["securityContext"]
        == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    )


def documented():
    """The command in docs/deploying.md that makes the secret has every file of the config map, and paths are right."""
    text = Path("docs/deploying.md").read_text()
    made = set(re.findall(r"--from-(?:literal|file)=([\w-]+)=", text))
    named = set(re.findall(r'/run/secrets/groupgate/([\w-]+)', (DEPLOY / "kubernetes/gateway.toml").read_text()))
    yield f"docs/deploying.md makes every secret {named - made}", named and named == made
    pages = [*Path("docs").glob("*.md"), Path("README.md")]
    paths = {path for page in pages for path in re.findall(r"\bdeploy/[\w/.-]*\w", page.read_text())}
    missing = sorted(path for path in paths if not Path(path).exists())
    yield f"what the book names of deploy is there {missing}", paths and not missing


report(check for part in (container, compose, systemd, kubernetes, documented) for check in part())
