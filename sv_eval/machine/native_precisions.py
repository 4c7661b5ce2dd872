"""Which precisions a processor computes in, by its instructions: others it imitates, slower and rounded anew."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
_INSTRUCTIONS = {
    # x86 and ARM by the names that Linux gives them.
    "int8": ("avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"),
    "bf16": ("avx512_bf16", "amx_bf16", "bf16"),
    "fp16": ("avx512_fp16", "amx_fp16", "asimdhp"),
}


def native_precisions(flags: Iterable[str] | None = None) -> tuple[str, ...] | None:
    """Of fp32, int8, bf16 and fp16 those with instructions of their own; None where nobody can tell.

    flags: what Linux lists of the processor; its own where that is left out.

    >>> native_precisions(["avx2", "fma"]), native_precisions(["avx512_vnni", "avx512_bf16"])
    (('fp32',), ('fp32', 'int8', 'bf16'))
    """
    known = frozenset(_own() if flags is None else flags)
    if not known:
        return None
    return ("fp32", *(name for name, any_of in _INSTRUCTIONS.items() if not known.isdisjoint(any_of)))


def _own() -> Iterable[str]:
    try:
        lines = _CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ()
    named = (line.partition(":") for line in lines)
    return next((words.split() for name, _, words in named if name.strip() in ("flags", "Features")), ())
