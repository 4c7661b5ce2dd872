"""What docker/ says, held against the service's own configuration and routes. Nothing is built or started."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from sv_eval.config.composing import composed
from sv_eval.serve import routes_state
from sv_eval.serve.config import serve_config_from

REPOSITORY = Path(__file__).resolve().parents[2]
DOCKER = REPOSITORY / "docker"
DOCKERFILES = sorted(DOCKER.glob("Dockerfile.*"))
DEFAULTS = yaml.safe_load((REPOSITORY / "conf" / "serve" / "default.yaml").read_text(encoding="utf-8"))
PATHS = {route.path for route in routes_state.router.routes}  # type: ignore[attr-defined]


def instructions(file: Path) -> list[tuple[str, str]]:
    """(instruction, rest) of every line, with continued lines joined."""
    text = re.sub(r"^#.*\n", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    found = []
    for line in filter(str.strip, lines):
        word, _, rest = line.partition(" ")
        found.append((word, rest.strip()))
    return found


def entry(file: Path) -> list[str]:
    """The overrides in an image's entry point."""
    command = json.loads(next(rest for word, rest in instructions(file) if word == "ENTRYPOINT"))
    assert command[:3] == ["python", "-m", "sv_eval.serve"]
    return command[3:]


def manifests() -> dict[str, Any]:
    text = (DOCKER / "kubernetes.yaml").read_text(encoding="utf-8")
    return {document["kind"]: document for document in yaml.safe_load_all(text)}


def container() -> dict[str, Any]:
    found: dict[str, Any] = manifests()["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    return found


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
    return found


def accepted(overrides: list[str]) -> Any:
    settings = composed("serve", overrides, ("backend", "serve"))
    return settings["backend"], serve_config_from(settings["serve"])


def test_both_images_are_there() -> None:
    assert [file.name for file in DOCKERFILES] == ["Dockerfile.cpu", "Dockerfile.cuda"]


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)
def test_an_image_is_non_root_healthy_and_exposes_what_the_service_listens_on(file: Path) -> None:
    steps = instructions(file)
    final = steps[max(index for index, (word, _) in enumerate(steps) if word == "FROM") :]
    said = dict(final)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", said["USER"])
    assert [word for word, _ in final].index("USER") < [word for word, _ in final].index("ENTRYPOINT")
    assert [int(port) for port in said["EXPOSE"].split()] == [DEFAULTS["port"], DEFAULTS["grpc_port"]]
    address = re.search(r"http://127\.0\.0\.1:(\d+)([^']+)'", said["HEALTHCHECK"])
    assert address is not None
    assert int(address[1]) == DEFAULTS["port"]
    assert address[2] in PATHS
    compile(json.loads(said["HEALTHCHECK"].partition("CMD ")[2])[2], "HEALTHCHECK", "exec")


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)
def test_what_an_image_copies_exists_and_is_not_ignored(file: Path) -> None:
    ignored = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for word, rest in instructions(file):
        if word != "COPY" or rest.startswith("--from="):
            continue
        for source in rest.split()[:-1]:
            assert (REPOSITORY / source).exists(), source
            assert f"!{source}" in ignored, source
    needed = re.findall(r'^"(\w+)" = "sv_eval/_bundled', (REPOSITORY / "pyproject.toml").read_text(), re.MULTILINE)
    copied = " ".join(rest for word, rest in instructions(file) if word == "COPY")
    assert needed
    assert all(f"{name} {name}" in copied for name in needed)


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)
def test_an_image_s_settings_are_accepted(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SV_EVAL_MODEL", raising=False)
    backend, config = accepted(entry(file))
    assert config.host == "0.0.0.0"
    assert backend["model"] == "bundled"
    monkeypatch.setenv("SV_EVAL_MODEL", "/models")
    backend, _ = accepted(entry(file))
    assert backend["model"] == "/models"
    assert backend["provider"] == ("cuda" if file.name.endswith("cuda") else "cpu")


def test_cuda_s_runtime_replaces_the_other_one() -> None:
    text = (DOCKER / "Dockerfile.cuda").read_text(encoding="utf-8")
    assert text.index("uninstall -y onnxruntime ") < text.index('install "onnxruntime-gpu')


def test_compose_fits_the_service() -> None:
    service = compose()["services"]["sv-eval"]
    _, config = accepted([*entry(DOCKER / "Dockerfile.cpu"), *service["command"]])
    assert [int(port.rpartition(":")[2]) for port in service["ports"]] == [config.port, config.grpc_port]
    assert service["read_only"]
    assert service["tmpfs"] == ["/tmp"]
    assert all("mem_limit" in one for one in compose()["services"].values())
    grace_s = float(service["stop_grace_period"].removesuffix("s"))
    assert grace_s >= config.drain_s + 2 * config.shutdown_s
    build = service["build"]
    assert (DOCKER / build["context"] / build["dockerfile"]).is_file()
    scrape = yaml.safe_load((DOCKER / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"][0]
    assert scrape["metrics_path"] in PATHS
    assert scrape["static_configs"][0]["targets"] == [f"sv-eval:{config.port}"]


def test_kubernetes_fits_the_service() -> None:
    pod, box = manifests()["Deployment"]["spec"]["template"], container()
    _, config = accepted([*entry(DOCKER / "Dockerfile.cuda"), *box["args"]])
    ports = {port["name"]: port["containerPort"] for port in box["ports"]}
    assert ports == {"http": config.port, "grpc": config.grpc_port}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert box[probe]["httpGet"]["path"] in PATHS
        assert box[probe]["httpGet"]["port"] in ports
    # A pod with a full queue is not ready, but it must live.
    assert box["livenessProbe"]["httpGet"]["path"] == "/health"
    assert pod["metadata"]["annotations"]["prometheus.io/path"] in PATHS
    assert int(pod["metadata"]["annotations"]["prometheus.io/port"]) == config.port
    before_s = float(box["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["spec"]["terminationGracePeriodSeconds"] >= before_s + config.drain_s + 2 * config.shutdown_s
    service = manifests()["Service"]["spec"]
    assert {port["name"]: port["port"] for port in service["ports"]} == ports
    assert service["selector"] == pod["metadata"]["labels"]


def test_kubernetes_gives_the_pod_no_more_than_it_needs() -> None:
    pod, box = manifests()["Deployment"]["spec"]["template"]["spec"], container()
    assert pod["securityContext"]["runAsNonRoot"]
    user = next(rest for word, rest in instructions(DOCKER / "Dockerfile.cuda") if word == "USER")
    assert user == f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}"
    assert box["securityContext"]["readOnlyRootFilesystem"]
    assert box["resources"]["limits"]["nvidia.com/gpu"] == 1
    names = {volume["name"] for volume in pod["volumes"]}
    assert {mount["name"] for mount in box["volumeMounts"]} == names
    secret = box["env"][0]["valueFrom"]["secretKeyRef"]
    assert secret["name"] == manifests()["Secret"]["metadata"]["name"]
    assert secret["key"] in manifests()["Secret"]["stringData"]
