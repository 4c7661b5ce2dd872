"""Why there is no verdict."""

from __future__ import annotations


class NoVerdictError(Exception):
    """There is no verdict, and the job ends with `code`."""

    def __init__(self, why: str, code: int = 2) -> None:
        super().__init__(why)
        self.code = code
