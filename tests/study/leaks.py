"""Leaks to be planted: the same app, whose answers tell too much on their way out when a request asks for it."""

import base64
import hashlib
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

PLANT_HEADER = "x-planted-leak"
Headers = list[tuple[bytes, bytes]]
Change = Callable[[str, Headers, bytes], tuple[Headers, bytes]]


def in_header(path, headers, body):
    return [*headers, (b"x-served-by", b"zorblax_v7")] if "/stimuli/" in path else headers, body


def in_page(path, headers, body):
    return headers, body.replace(b"</head>", b"<!-- quagga-in-fog --></head>")


def in_cookie(path, headers, body):
    return [*headers, (b"set-cookie", b"order=" + base64.b64encode(b"first Kwyjibo-Net then"))], body


def as_number(path, headers, body):
    return headers, body.replace(b'"answered":', b'"stimulus":17,"answered":')


def as_etag(path, headers, body):
    digest = hashlib.sha256(body).hexdigest().encode()
    return [*headers, (b"etag", digest)] if "/stimuli/" in path else headers, body


def as_text_chunk(path, headers, body):
    if "/stimuli/" not in path:
        return headers, body
    content = b"tEXtComment\0rendered"
    chunk = (len(content) - 4).to_bytes(4) + content + zlib.crc32(content).to_bytes(4)
    return headers, body[:-12] + chunk + body[-12:]


def as_length(path, headers, body):
    """One more byte behind the end of about half of the pictures."""
    return headers, body + b"\0" * (zlib.crc32(body) % 2) if "/stimuli/" in path else body


def as_escaped_json(path, headers, body):
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in "wombat.07").encode()
    return headers, body.replace(b'"answered":', b'"hint":"' + escaped + b'","answered":')


def as_cacheable(path, headers, body):
    return [pair for pair in headers if pair[0].lower() != b"cache-control"], body


def as_stored(path, headers, body):
    """Without the mark that makes each file of a picture another."""
    return headers, with_mark(body, b"") if "/stimuli/" in path else body


def as_counted_mark(path, headers, body):
    """With a mark that follows from the pixels."""
    return headers, with_mark(body, zlib.crc32(body[:-56]).to_bytes(32)) if "/stimuli/" in path else body


def with_mark(body, mark):
    """The file with this mark, the last chunk but the end chunk, in place of its own: 8 + 32 + 4 bytes."""
    if not body.endswith(b"IEND\xaeB`\x82") or body[-52:-48] != b"paDd":
        return body
    chunk = b"paDd" + mark
    return body[:-56] + len(mark).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4) + body[-12:]


LEAKS: dict[str, Change] = {
    change.__name__: change
    for change in (
        in_header,
        in_page,
        in_cookie,
        as_number,
        as_etag,
        as_text_chunk,
        as_length,
        as_escaped_json,
        as_cacheable,
        as_stored,
        as_counted_mark,
    )
}


def leaky(app: Any) -> Any:
    """Wrap an ASGI app; requests with the header `x-planted-leak: NAME` get answers changed by that leak."""

    async def wrapped(scope: MutableMapping[str, Any], receive: Callable[..., Awaitable[Any]], send: Any) -> None:
        name = dict(scope.get("headers", [])).get(PLANT_HEADER.encode())
        if name is None:
            await app(scope, receive, send)
            return
        start: dict[str, Any] = {}
        parts: list[bytes] = []

        async def change_and_send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                headers, body = LEAKS[name.decode()](scope["path"], list(start["headers"]), b"".join(parts))
                headers = [pair for pair in headers if pair[0].lower() != b"content-length"]
                headers.append((b"content-length", str(len(body)).encode()))
                await send({**start, "headers": headers})
                await send({"type": "http.response.body", "body": body})

        await app(scope, receive, change_and_send)

    return wrapped
