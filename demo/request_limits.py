"""Refuse requests that no visitor of the page needs: bodies larger than any photo, and addresses to be fetched."""

import re

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class RequestSizeLimit:
    """ASGI middleware: answers 413 to bodies over a limit, announced or not.

    Gradio's own limit counts one file; a request may carry many.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        if max_bytes <= 0:
            raise ValueError(f"max_bytes: must be positive, got {max_bytes}")
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless its body is too large."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self.max_bytes:
            await PlainTextResponse(self._refusal, status_code=413)(scope, receive, send)
            return
        await self.app(scope, self._counting(receive), send)

    def _counting(self, receive: Receive) -> Receive:
        """Count a body that came without its length, and stop reading once it is too large."""
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_bytes:
                raise HTTPException(413, self._refusal)
            return message

        return counted

    @property
    def _refusal(self) -> str:
        return f"This request is larger than the {self.max_bytes // 2**20} MB allowed."


class NoFetching:
    """ASGI middleware: answers 404 where Gradio would fetch an address for whoever asks.

    `/gradio_api/file=https://...`, and `/file/https://...` by its older name, make Gradio a public proxy; this app has
    no use for that, nor for the one to other Spaces (`/proxy=`).
    """

    # Two letters before the colon: `file=C:/...` is an upload on Windows.
    _ADDRESS = re.compile(r"/file[=/][^/]*\w\w:/|/proxy[=/]")

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless its path holds an address."""
        if scope["type"] == "http" and self._ADDRESS.search(scope["path"]):
            await PlainTextResponse("Not found", status_code=404)(scope, receive, send)
            return
        await self.app(scope, receive, send)
