"""`python -m sv_eval.gate baseline=A candidate=B`: two finished runs, gated."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from sv_eval.cli.main import main


class _Function(ModuleType):
    """After `import sv_eval.gate` the name still is the library's function."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        from sv_eval import library

        return library.gate(*arguments, **options)


sys.modules[__name__].__class__ = _Function

if __name__ == "__main__":
    sys.exit(main(command="gate"))
