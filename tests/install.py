"""Installs into the environment that runs it, by uv or by pip, and says what, how far it is and how long it takes.

    .venv/bin/python tests/install.py --step "1/2 the core; 5 s to 4 minutes" -- -e .
    .venv/bin/python tests/install.py --with pip --step "1/2 the core; 5 s to 4 minutes" -- -e .

What stands behind `--` is said to `uv pip install` or `pip install`. uv is told what pip is configured with:
indexes, folders of wheels, constraints, certificates. Where uv can't be had or fails, pip does it.
`--lowest FILE --extras a,b` writes into FILE, as constraints, the lowest versions that pyproject.toml allows, and
holds to them what is installed; only uv can do that.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

Run = Callable[[Sequence[str], Mapping[str, str]], int]
"""Runs a command with an environment and gives its exit code."""
_HANDED_ON = {
    # pip's name: (uv's variable, what stands between several values)
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "constraint": ("UV_CONSTRAINT", " "),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "default-timeout": ("UV_HTTP_TIMEOUT", " "),
    "timeout": ("UV_HTTP_TIMEOUT", " "),
    "no-index": ("UV_NO_INDEX", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "proxy": ("ALL_PROXY", " "),
}
_OLDER = {"UV_DEFAULT_INDEX": "UV_INDEX_URL", "UV_INDEX": "UV_EXTRA_INDEX_URL"}
"""uv's older names, which a user may have set instead."""


def pip_settings(listed: Iterable[str]) -> dict[str, str]:
    """pip's settings by name, from the lines of `pip config list`.

    A variable of the environment goes before a file's section for `pip install`, and that before the common one.

    >>> pip_settings(["global.timeout='9'", "install.timeout='8'", ":env:.find-links='/a'", "freeze.timeout='7'"])
    {'timeout': '8', 'find-links': '/a'}
    """
    found: dict[str, str] = {}
    split = [line.partition("=")[::2] for line in listed if "=" in line]
    for section in ("global.", "install.", ":env:."):
        for name, value in split:
            if name.startswith(section):
                found[name.removeprefix(section)] = str(ast.literal_eval(value.strip()))
    return found


def uv_environment(settings: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """The environment in which uv finds packages where pip does; what is set for uv already stays.

    >>> uv_environment({"find-links": "/a /b", "cert": "/c"}, {"SSL_CERT_FILE": "/mine"})
    {'SSL_CERT_FILE': '/mine', 'UV_FIND_LINKS': '/a,/b'}
    """
    told = dict(environ)
    for name, (variable, between) in _HANDED_ON.items():
        if name in settings and variable not in told and _OLDER.get(variable) not in told:
            told[variable] = between.join(settings[name].split())
    if "UV_INDEX" in told:
        # pip takes the best version of all indexes, uv of the first that has any.
        told.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return told


def run_command(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """The exit code of a command that speaks for itself."""
    return subprocess.run(command, env=environ, check=False).returncode


class Installer:
    """What installs into the environment of one interpreter."""

    def __init__(self, python: Path, environ: Mapping[str, str], run: Run) -> None:
        self._python, self._environ, self._run = str(python), environ, run
        self._own_uv = python.with_name("uv")

    def ensure_pip(self) -> None:
        """An environment that uv made has no pip: it gets Python's own."""
        asked = "import sys, importlib.util; sys.exit(importlib.util.find_spec('pip') is None)"
        if self._run([self._python, "-c", asked], self._environ):
            self._run([self._python, "-m", "ensurepip"], self._environ)

    def pip(self, words: Sequence[str]) -> int:
        """`pip install`."""
        return self._run(
            [self._python, "-m", "pip", "install", "--disable-pip-version-check", *words], self._environ
        )

    def uv(self, words: Sequence[str], settings: Mapping[str, str]) -> int:
        """`uv pip ...`; without uv, the exit code of the attempt to get it."""
        found = str(self._own_uv) if self._own_uv.exists() else shutil.which("uv", path=self._environ.get("PATH"))
        if not found:
            code = self.pip(["--quiet", "uv"])
            if code or not self._own_uv.exists():
                return code or 1
            found = str(self._own_uv)
        return self._run(
            [found, "pip", words[0], "--python", self._python, *words[1:]], uv_environment(settings, self._environ)
        )


def listed_by_pip(python: Path) -> list[str]:
    """What `pip config list` says; nothing where there is no pip."""
    done = subprocess.run([python, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []


def install(
    installer: Installer, words: Sequence[str], *, by: str, settings: Mapping[str, str], compiled: bool
) -> int:
    """Installs what the words say: by uv and where that fails by pip, or by pip alone. The last one's exit code."""
    if by == "uv":
        if not installer.uv(["install", *(["--compile-bytecode"] if compiled else []), *words], settings):
            return 0
        print("uv could not install this; once more with pip (INSTALLER=pip goes there at once)", flush=True)
    return installer.pip(words)


def arguments_of(words: Sequence[str]) -> argparse.Namespace:
    """The command line, read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--with", dest="by", choices=["uv", "pip"], default="uv")
    parser.add_argument("--step", default="", help="what is being installed, and how long that usually takes")
    parser.add_argument("--compile", action="store_true", help="compile all modules now (pip always does)")
    parser.add_argument("--lowest", type=Path, help="hold packages to the lowest versions allowed, written here")
    parser.add_argument("--extras", default="", help="of which extras, with --lowest")
    parser.add_argument("words", nargs="+")
    return parser.parse_args(words)


def main(words: Sequence[str]) -> int:
    """Installs; the exit code is uv's or pip's."""
    asked = arguments_of(words)
    python = Path(sys.executable)
    installer = Installer(python, os.environ, run_command)
    print(f"[{asked.step}] with {asked.by}", flush=True)
    started_s = time.monotonic()
    installer.ensure_pip()
    settings = pip_settings(listed_by_pip(python))
    if asked.lowest:
        extras = [word for name in filter(None, asked.extras.split(",")) for word in ("--extra", name)]
        code = installer.uv(
            ["compile", "--quiet", "--no-deps", "--resolution", "lowest-direct", "--no-annotate", *extras,
             "-o", str(asked.lowest), "pyproject.toml"], settings,
        )  # fmt: skip
        code = code or installer.uv(
            ["install", "--compile-bytecode", "-c", str(asked.lowest), *asked.words], settings
        )
    else:
        code = install(installer, asked.words, by=asked.by, settings=settings, compiled=asked.compile)
    print(f"[{asked.step}] {'failed' if code else 'done'} after {time.monotonic() - started_s:.0f} s", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
