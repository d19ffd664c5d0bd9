"""Everything a rater's browser receives, and what in it would tell a method, a scene, a file or another rater.

Each `find_` function returns what it found, in words; an empty list is what a blind study gives.
"""

import base64
import hashlib
import html
import io
import itertools
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

import httpx
import numpy as np
from PIL import Image

from study.stimuli import pixel_sha256

TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
# Every number a rater is told, by its key: words of the study, progress, sizes, estimates. An id would have a new key.
NUMBERS = frozenset({"value", "answered", "total", "practice", "trials", "minutes", "width", "height", "seconds_left"})


@dataclass(frozen=True)
class Received:
    """One answer of the server."""

    method: str
    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def is_picture(self) -> bool:
        return dict(self.headers).get("content-type", "").startswith("image/")

    @property
    def json(self) -> object:
        """The body where it is JSON, else None."""
        is_json = dict(self.headers).get("content-type", "").startswith("application/json")
        return json.loads(self.body) if is_json else None

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


def recording(client: httpx.Client) -> list[Received]:
    """Note every answer this client gets from now on, redirects among them."""
    received: list[Received] = []

    def note(answer: httpx.Response) -> None:
        answer.read()
        headers = tuple((name.lower(), value) for name, value in answer.headers.multi_items())
        request = answer.request
        received.append(Received(request.method, str(request.url), answer.status_code, headers, answer.content))

    client.event_hooks = {"response": [note]}
    return received


def find_names(received: Iterable[Received], secrets: Iterable[str]) -> list[str]:
    """Secret words anywhere: plain, escaped, in base64 or hex, or as their own hash."""
    forms = {form: f"{secret} ({how})" for secret in secrets for how, form in _forms(secret)}
    found = []
    for answer in received:
        told = _told(answer)
        found += [f"{answer}: {secret}" for form, secret in forms.items() if form in told]
    return found


def _forms(secret: str) -> Iterator[tuple[str, bytes]]:
    raw = secret.encode()
    yield "plain", raw.lower()
    yield "hex", raw.hex().encode()
    for offset in range(3):  # base64 groups by three bytes: what is whole in one of them does not depend on the rest
        whole = raw[offset : offset + (len(raw) - offset) // 3 * 3]
        if len(whole) >= 6:
            yield "base64", base64.b64encode(whole).lower()
            yield "base64", base64.urlsafe_b64encode(whole).lower()
    for digest in (hashlib.md5, hashlib.sha1, hashlib.sha256):
        yield digest.__name__, digest(raw).hexdigest().encode()


def _told(answer: Received) -> bytes:
    """All text of an answer in lower case: as it is, and with its escapes taken out."""
    heads = " ".join([answer.url, *(f"{name}: {value}" for name, value in answer.headers)])
    text = heads if answer.is_picture else heads + " " + answer.body.decode("utf-8", "replace")
    plain = "\n".join([text, unquote(text), html.unescape(text), _without_json_escapes(text)])
    return plain.lower().encode() + answer.body.lower()


def _without_json_escapes(text: str) -> str:
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text).replace("\\/", "/")


def find_countable(received: Iterable[Received]) -> list[str]:
    """Numbers under keys that are not known to be harmless, and tokens too short to be unguessable.

    Only in the study's own answers: Gradio's configuration numbers the components of the page, which is the same for
    every rater and every study.
    """
    found = []
    for answer in received:
        leaves = _leaves(answer.json) if "/api/" in answer.url else ()
        found += [f"{answer}: {key} = {value}" for key, value in leaves if _counts(key, value)]
        segment = re.search(r"/stimuli/([^/?]*)", answer.url)
        if segment and not TOKEN.fullmatch(segment[1]):
            found.append(f"{answer}: the picture's token is short")
    return found


def _counts(key: str, value: object) -> bool:
    if isinstance(value, bool) or value is None:
        return False
    if isinstance(value, int | float):
        return key not in NUMBERS
    return key in {"token", "undo"} and not TOKEN.fullmatch(str(value))


def _leaves(content: object, key: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(content, dict):
        for name, value in content.items():
            yield from _leaves(value, name)
    elif isinstance(content, list):
        for value in content:
            yield from _leaves(value, key)
    else:
        yield key, content


def tokens_of(received: Iterable[Received]) -> list[str]:
    """All tokens in the order in which they were first told."""
    told: dict[str, None] = {}
    for answer in received:
        for key, value in _leaves(answer.json):
            if key in {"token", "undo"} and value is not None:
                told[str(value)] = None
            if isinstance(value, str) and value.startswith("/stimuli/"):
                told[value.removeprefix("/stimuli/")] = None
    return list(told)


def find_pattern(tokens: list[str]) -> list[str]:
    """Bits that are not a fair coin's, and neighbours too much alike: a counter, a clock, an address.

    With some hundred tokens of 128 bits, chance exceeds five standard errors at one bit in 3.5 million, and lets two
    tokens agree on 104 of 128 bits once in 10^13.
    """
    raw = [base64.urlsafe_b64decode(token + "==") for token in tokens]
    bits = np.unpackbits(np.frombuffer(b"".join(raw), dtype=np.uint8)).reshape(len(raw), -1)
    error = 5 * np.sqrt(0.25 / len(raw))
    shares = bits.mean(axis=0)
    found = [f"bit {bit} is set in {shares[bit]:.0%}" for bit in np.flatnonzero(abs(shares - 0.5) > error)]
    agreeing = (bits[1:] == bits[:-1]).sum(axis=1)
    return found + [f"neighbours {i} and {i + 1} agree on {agreeing[i]} bits" for i in np.flatnonzero(agreeing > 103)]


def find_unequal_pictures(received: Iterable[Received], scene_of: Callable[[str], str]) -> list[str]:
    """Pictures of one scene that differ in anything but pixels, URL and the second in which they were sent.

    Args:
        received: Of any number of visits.
        scene_of: Names the scene by the pixels' sha256.
    """
    kinds: dict[str, dict[object, str]] = defaultdict(dict)
    for answer in received:
        if answer.is_picture:
            picture = Image.open(io.BytesIO(answer.body))
            picture.load()
            scene = scene_of(pixel_sha256(picture))
            container = (picture.format, picture.mode, picture.size, str(picture.info), sorted(set(chunks_of(answer))))
            headers = tuple(header for header in answer.headers if header[0] != "date")
            kinds[scene][answer.status, headers, len(answer.body), str(container)] = str(answer)
    return [f"{scene}: {len(seen)} kinds of files: {list(seen)}" for scene, seen in kinds.items() if len(seen) > 1]


def find_equal_files(received: Iterable[Received]) -> list[str]:
    """Files that came from two addresses: whoever compares downloads sees that their pictures are equal."""
    urls: dict[bytes, set[str]] = defaultdict(set)
    for answer in received:
        if answer.is_picture:
            urls[answer.body].add(answer.url)
    return [f"equal files: {sorted(equal)}" for equal in urls.values() if len(equal) > 1]


def chunks_of(answer: Received) -> list[str]:
    """Names of the chunks of a PNG file, and whatever stands behind its end."""
    return [name for name, _ in _chunks(answer)]


def _chunks(answer: Received) -> list[tuple[str, bytes]]:
    chunks: list[tuple[str, bytes]] = []
    at = 8
    while at < len(answer.body) and (not chunks or chunks[-1][0] != "IEND"):
        end = at + 8 + int.from_bytes(answer.body[at : at + 4])
        chunks.append((answer.body[at + 4 : at + 8].decode("latin-1"), answer.body[at + 8 : end]))
        at = end + 4
    return chunks + ([("behind the end", b"")] if at < len(answer.body) else [])


def find_metadata(received: Iterable[Received]) -> list[str]:
    """PNG chunks that are neither pixels nor zeros nor made of the picture's address, and headers that name a file."""
    found = []
    for answer in received:
        if answer.is_picture:
            token = answer.url.rpartition("/")[2]
            padding = {content.strip(b"\0") for name, content in _chunks(answer) if name == "paDd"}
            if padding - {b"", hashlib.sha256(token.encode()).digest().strip(b"\0")}:
                found.append(f"{answer}: a padding chunk is neither zeros nor made of the address")
            found += [f"{answer}: chunk {name}" for name in {*chunks_of(answer)} - {"IHDR", "IDAT", "paDd", "IEND"}]
            found += [f"{answer}: {name}" for name, _ in answer.headers if name in {"etag", "last-modified"}]
            found += [f"{answer}: may be cached"] * ("no-store" not in dict(answer.headers).get("cache-control", ""))
    return found


def find_shared_urls(*visits: list[Received]) -> list[str]:
    """Picture URLs that two visits have in common, or that show two different pictures."""
    shown = [defaultdict(set) for _ in visits]
    for urls, received in zip(shown, visits, strict=True):
        for answer in received:
            if answer.is_picture:
                urls[answer.url].add(hashlib.sha256(answer.body).hexdigest())
    found = [url for one, other in itertools.combinations(shown, 2) for url in one.keys() & other.keys()]
    return found + [url for urls in shown for url, files in urls.items() if len(files) > 1]
