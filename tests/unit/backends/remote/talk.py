"""A websocket on which a server's messages lie ready."""

from __future__ import annotations

import asyncio
from typing import Any

from sv_eval.backends.remote.errors import NOT_JSON, RESET, RemoteError
from sv_eval.config.foreign_json import read_json


class Talk:
    """Gives the messages one after another; then it is closed, or stays silent."""

    def __init__(self, messages: list[bytes], *, closes: bool = True) -> None:
        self._messages, self._closes = iter(messages), closes

    async def send(self, message: Any) -> None:
        """Whatever is sent was expected."""

    async def receive(self) -> str | bytes:
        """The next message."""
        try:
            return next(self._messages).decode("utf-8", "replace")
        except StopIteration:
            if not self._closes:
                await asyncio.Event().wait()
            raise RemoteError(RESET, "the connection was closed") from None

    async def receive_json(self) -> Any:
        """The next message as JSON."""
        try:
            return read_json(await self.receive())
        except ValueError as error:
            raise RemoteError(NOT_JSON, "the answer is no JSON") from error
