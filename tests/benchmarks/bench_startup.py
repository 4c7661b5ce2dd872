"""How quick the command answers: `--help` against a bare `import hydra`, and a bare `import sv_eval`.

    python tests/benchmarks/bench_startup.py

Whole processes, interleaved, medians. Byte code is cached, as it is after any install.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

ROUNDS = 15
COMMANDS = {
    "python": ["-c", "pass"],
    "import hydra": ["-c", "import hydra"],
    "import sv_eval": ["-c", "import sv_eval"],
    "--help": ["-m", "sv_eval", "--help"],
}


def process_s(arguments: list[str]) -> float:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    begin = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def main() -> None:
    for arguments in COMMANDS.values():
        process_s(arguments)
    rounds = [{name: process_s(arguments) for name, arguments in COMMANDS.items()} for _ in range(ROUNDS)]
    for name in COMMANDS:
        print(f"{name}: {1000 * statistics.median(each[name] for each in rounds):.0f} ms")
    over = [each["import sv_eval"] - each["python"] for each in rounds]
    print(f"import sv_eval itself: {1000 * statistics.median(over):.1f} ms")
    ratio = statistics.median(each["--help"] / each["import hydra"] for each in rounds)
    print(f"--help is {ratio:.2f} times a bare `import hydra`")


if __name__ == "__main__":
    main()
