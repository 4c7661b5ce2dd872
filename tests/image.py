"""Build an image and put it through its paces: python tests/image.py [cpu|cuda] [--base IMAGE] [--build-only].

With Docker where its engine answers, else with buildah and podman (apt-get install buildah podman runc). Without
--base and without Docker the base is made of Debian's packages (apt-get install mmdebstrap), and no registry is
asked.
The image then runs without root, with a root directory that can't be written, without capabilities, with 1 GiB of
memory: the service answers, its health check passes, SIGTERM ends it with 0, and the harness measures, resumes and
sweeps in it. What was seen goes to the terminal; sbom.json is a CycloneDX list of what the image holds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
BASE = "localhost/sv-eval-base:bookworm"
PACKAGES = "python3,python3-venv,ca-certificates"
# What a running image has no use for.
LEFT_OUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*")
MEMORY = "1g"
PORT = 18000


def say(text: str) -> None:
    """A line of what was seen."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Docker:
    """Docker's engine."""

    name = "docker"

    def build(self, file: Path, tag: str, arguments: Sequence[str], context: Path = REPOSITORY) -> None:
        """An image from a Dockerfile."""
        subprocess.run(["docker", "build", *arguments, "-f", str(file), "-t", tag, str(context)], check=True)

    def run(self, *words: str) -> list[str]:
        """The command that runs a container."""
        return ["docker", "run", *words]

    def command(self, *words: str) -> list[str]:
        """Another command."""
        return ["docker", *words]

    def inspected(self, tag: str) -> dict[str, Any]:
        """Its `bytes`, and the words of its `health` check."""
        words = self.command("image", "inspect", tag)
        found = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)[0]
        config = found["Config"]
        health = found.get("HealthCheck") or found.get("Healthcheck") or config.get("Healthcheck") or {}
        return {"bytes": int(found["Size"]), "health": health.get("Test", [])}


class Podman(Docker):
    """buildah builds and podman runs, also where there is neither systemd nor the right to raise limits."""

    name = "podman"

    def __init__(self) -> None:
        settings = Path(tempfile.mkdtemp(prefix="sv-eval-image-")) / "containers.conf"
        settings.write_text("[containers]\ndefault_ulimits = []\n", encoding="utf-8")
        os.environ.setdefault("CONTAINERS_CONF", str(settings))
        os.environ.setdefault("STORAGE_DRIVER", "overlay")
        self._options = [] if Path("/run/systemd/system").is_dir() else ["--cgroup-manager", "cgroupfs"]

    def build(self, file: Path, tag: str, arguments: Sequence[str], context: Path = REPOSITORY) -> None:
        options = ["--format", "docker", "--isolation", "chroot", "--network", "host", "--layers"]
        subprocess.run(
            ["buildah", "build", *options, *arguments, "-f", str(file), "-t", tag, str(context)], check=True
        )

    def run(self, *words: str) -> list[str]:
        return ["podman", "--runtime", "runc", *self._options, "run", *words]

    def command(self, *words: str) -> list[str]:
        return ["podman", "--runtime", "runc", *self._options, *words]


def engine(wanted: str | None) -> Docker:
    """The one that is wanted, or whichever is here."""
    if wanted == "docker":
        return Docker()
    if (
        wanted is None
        and shutil.which("docker")
        and subprocess.run(["docker", "info"], capture_output=True).returncode == 0
    ):
        return Docker()
    if missing := [name for name in ("buildah", "podman", "runc") if shutil.which(name) is None]:
        sys.exit(
            f"no Docker engine answers, and {', '.join(missing)} is missing: apt-get install buildah podman runc"
        )
    return Podman()


def bootstrapped(by: Docker) -> str:
    """A base of Debian's own packages."""
    if shutil.which("mmdebstrap") is None:
        sys.exit(
            "a base is made of Debian's packages by mmdebstrap: apt-get install mmdebstrap, or give --base IMAGE"
        )
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sv-eval-base-") as folder:
        archive = Path(folder) / "base.tar"
        words = ["--quiet", "--variant=minbase", f"--include={PACKAGES}"]
        words += [f"--dpkgopt=path-exclude={one}" for one in LEFT_OUT]
        subprocess.run(
            [
                "mmdebstrap",
                "--quiet",
                "--variant=minbase",
                f"--include={PACKAGES}",
                *words,
                "bookworm",
                str(archive),
            ],
            check=True,
        )
        file = Path(folder) / "Dockerfile"
        file.write_text('FROM scratch\nADD base.tar /\nCMD ["python3"]\n', encoding="utf-8")
        by.build(file, BASE, [], Path(folder))
    say(
        f"base: {by.inspected(BASE)['bytes'] / 1e6:.0f} MB of Debian's packages in {time.monotonic() - begun:.0f} s"
    )
    return BASE


def build(by: Docker, kind: str, tag: str, base: str | None) -> None:
    """The image, from docker/."""
    begun = time.monotonic()
    if base is None and isinstance(by, Podman):
        base = bootstrapped(by)
    arguments = [] if base is None else ["--build-arg", f"BASE_IMAGE={base}"]
    if isinstance(by, Podman) and Path(CERTIFICATES).is_file():
        # A network may have certificates of its own.
        arguments += ["--build-arg", f"PIP_CERT={CERTIFICATES}", "--volume", f"{CERTIFICATES}:{CERTIFICATES}:ro"]
    by.build(REPOSITORY / "docker" / f"Dockerfile.{kind}", tag, arguments)
    say(f"image: {by.inspected(tag)['bytes'] / 1e6:.0f} MB in {time.monotonic() - begun:.0f} s")


HARDENED = (
    "--read-only",
    "--tmpfs",
    "/tmp:mode=1777",
    "--cap-drop",
    "ALL",
    "--memory",
    MEMORY,
    "--network",
    "host",
)


def answer(path: str, body: bytes | None = None) -> Any:
    """What the service says."""
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", data=body)
    if body is not None:
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=30) as found:
        return json.load(found)


@contextmanager
def served(by: Docker, tag: str) -> Iterator[str]:
    """A container with the service."""
    begun, name = time.monotonic(), f"sv-eval-paces-{os.getpid()}"
    subprocess.run(
        by.run("-d", "--name", name, *HARDENED, tag, f"serve.port={PORT}", "serve.grpc_port=null"),
        check=True, capture_output=True,
    )  # fmt: skip
    try:
        while True:
            try:
                answer("/health/ready")
                break
            except OSError:
                if time.monotonic() - begun > 180:
                    logs = subprocess.run(by.command("logs", name), capture_output=True, text=True)
                    sys.exit(f"the service does not answer:\n{logs.stdout[-2000:]}{logs.stderr[-2000:]}")
                time.sleep(0.2)
        say(f"ready after {time.monotonic() - begun:.1f} s")
        yield name
    finally:
        subprocess.run(by.command("rm", "-f", name), capture_output=True)


def paces_of_the_service(by: Docker, tag: str) -> None:
    """Health, answers, what it may not do, and how it ends."""
    import base64

    clip = (REPOSITORY / "datasets" / "demo" / "clips" / "en_f1_angry_01.flac").read_bytes()
    with served(by, tag) as name:
        body = json.dumps({"audio": base64.b64encode(clip).decode()}).encode()
        found = answer("/v1/emotion", body)["data"]
        say(f"/v1/emotion: {found['emotion']}, confidence {found['confidence']}")
        assert found["emotion"] == "angry"

        def inside(*words: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(by.command("exec", name, *words), capture_output=True, text=True)

        uid = inside("id", "-u").stdout.strip()
        written = inside("touch", "/opt/venv/x")
        assert uid == "10001", uid
        assert written.returncode != 0
        say(f"runs as {uid}; writing outside /tmp: {written.stderr.strip()}")
        health = by.inspected(tag)["health"]
        checked = inside(*[word.replace(":8000", f":{PORT}") for word in health[1:]])
        assert checked.returncode == 0, checked.stderr
        say(f"health check: exit {checked.returncode}")
        usage = inside("cat", "/proc/1/status").stdout
        peak = next(int(line.split()[1]) for line in usage.splitlines() if line.startswith("VmHWM"))
        begun = time.monotonic()
        subprocess.run(by.command("kill", "-s", "TERM", name), check=True, capture_output=True)
        ended = subprocess.run(by.command("wait", name), capture_output=True, text=True).stdout.strip()
        assert ended == "0", ended
        say(f"memory at most {peak / 1024:.0f} MB; SIGTERM: exit {ended} after {time.monotonic() - begun:.1f} s")


def paces_of_the_harness(by: Docker, tag: str) -> None:
    """A run, the same again, a sweep with the plug-in, and a gate: all of it in the image."""
    script = (
        "set -e; cd /tmp; export PYTHONWARNINGS=ignore; "
        "sv-eval hydra.run.dir=/tmp/run 2>/dev/null | grep '^UAR'; "
        "sv-eval hydra.run.dir=/tmp/run > /dev/null 2>&1; "
        "sv-eval verify /tmp/run | tail -1; "
        "sv-eval -m sweep=vad_chunk backend.vad_threshold=0.5 backend.chunk_size=3,5 hydra.sweep.dir=/tmp/sweep "
        "2>/dev/null | tail -1; "
        "sv-eval gate candidate=/tmp/run baseline=/tmp/run gate=quality | head -1"
    )
    begun = time.monotonic()
    done = subprocess.run(
        by.run("--rm", *HARDENED, "--entrypoint", "bash", tag, "-c", script), capture_output=True, text=True
    )
    for line in done.stdout.splitlines():
        say(f"  {line}")
    if done.returncode:
        sys.exit(f"the harness failed in the image:\n{done.stderr[-3000:]}")
    say(f"the harness in it: {time.monotonic() - begun:.0f} s")


LISTED = """
import importlib.metadata as m, json, subprocess

def part(kind, name, version, more=""):
    return {"type": "library", "name": name, "version": version, "purl": f"pkg:{kind}/{name}@{version}{more}"}

found = [part("pypi", one.metadata["Name"].lower(), one.version) for one in m.distributions()]
words = ["dpkg-query", "-W", "-f", "${Package} ${Version} ${Architecture}\\n"]
for line in subprocess.run(words, capture_output=True, text=True).stdout.splitlines():
    name, version, machine = line.split()
    found.append(part("deb/debian", name, version, f"?arch={machine}"))
print(json.dumps(sorted(found, key=lambda one: one["purl"])))
"""


def listed(by: Docker, tag: str, out: Path) -> None:
    """What the image holds, as a CycloneDX 1.6 bill of materials."""
    words = by.run("--rm", *HARDENED, "--entrypoint", "python", tag, "-c", LISTED)
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    parts = json.loads(done.stdout)
    whole = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
             "metadata": {"component": {"type": "container", "name": tag.removeprefix("localhost/")}},
             "components": parts}  # fmt: skip
    out.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    of_python = sum(one["purl"].startswith("pkg:pypi") for one in parts)
    say(f"holds {of_python} packages of Python and {len(parts) - of_python} of Debian: {out}")


def main() -> None:
    """Do what the words say."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("kind", nargs="?", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--base", help="the image that it begins with")
    parser.add_argument("--with", dest="engine", choices=["docker", "podman"], help="what builds and runs it")
    parser.add_argument("--built", action="store_true", help="the image is there: build none")
    parser.add_argument("--build-only", action="store_true", help="build it, and run nothing")
    parser.add_argument("--sbom", type=Path, default=Path("sbom.json"), help="where the bill of materials goes")
    asked = parser.parse_args()
    by = engine(asked.engine)
    say(f"{by.name}: docker/Dockerfile.{asked.kind}")
    tag = f"localhost/sv-eval:{asked.kind}"
    if not asked.built:
        build(by, asked.kind, tag, asked.base)
    if asked.build_only:
        return
    listed(by, tag, asked.sbom)
    if asked.kind == "cpu":
        paces_of_the_service(by, tag)
        paces_of_the_harness(by, tag)
    say("passed")


if __name__ == "__main__":
    main()
