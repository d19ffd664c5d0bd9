"""The example photos the page offers, each with its author and licence."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from demo.pictures import thumbnail_data_uri

Text = Annotated[str, Field(min_length=1, max_length=200)]
Link = Annotated[str, Field(pattern=r"^https?://\S+$")]
# An address, then in words what was taken from there and what was changed.
Source = Annotated[str, Field(pattern=r"^https?://\S+( .+)?$", max_length=400)]


class _Entry(BaseModel):
    """One line of the manifest, as its author wrote it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Annotated[str, Field(pattern=r"^[\w-][\w.-]*$")]
    title: Text
    author: Text
    licence: Text
    licence_url: Link
    source: Source


class Example(BaseModel):
    """A photo to try, with what its licence asks to be shown beside it."""

    model_config = ConfigDict(frozen=True)

    path: Path
    title: Text
    author: Text
    licence: Text
    licence_url: Link
    source: Source


def load_examples(folder: Path) -> tuple[Example, ...]:
    """Read `manifest.json` and find its photos beside it.

    Raises:
        ValueError: there is no manifest, an entry's field is missing or wrong (the message names entry and field), or
            a photo is missing.
    """
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        raise ValueError(f"folder: no manifest.json in {folder}")
    try:
        entries = TypeAdapter(list[_Entry]).validate_json(manifest.read_bytes())
    except ValidationError as error:
        raise ValueError(f"{manifest}: {_faults(error)}") from error
    missing = [entry.file for entry in entries if not (folder / entry.file).is_file()]
    if missing:
        raise ValueError(f"{manifest}: file: not found beside it: {', '.join(missing)}")
    return tuple(Example(path=folder / entry.file, **entry.model_dump(exclude={"file"})) for entry in entries)


def gallery_html(examples: Sequence[Example]) -> str:
    """Lay out the example photos as buttons, each with its attribution below."""
    return f'<ul class="gallery">{"".join(map(_figure, range(len(examples)), examples))}</ul>'


def _figure(index: int, example: Example) -> str:
    title, author, licence = escape(example.title), escape(example.author), escape(example.licence)
    address = example.source.split(" ")[0]
    return f"""<li>
  <button type="button" data-example="{index}" aria-label="Render the example photo {title}">
    <img src="{thumbnail_data_uri(example.path)}" alt="" width="384" height="288">
  </button>
  <p><a href="{escape(address)}" title="{escape(example.source)}" target="_blank" rel="noopener">{title}</a>
  <span>{author} · <a href="{escape(example.licence_url)}" target="_blank" rel="noopener">{licence}</a></span></p>
</li>"""


def _faults(error: ValidationError) -> str:
    """List each fault as `entry N: field: reason`; entries count from 1, as people do."""
    return "; ".join(_fault(fault["loc"], fault["msg"]) for fault in error.errors())


def _fault(location: tuple[int | str, ...], message: str) -> str:
    if not location:
        return message
    entry, *fields = location
    where = f"entry {int(entry) + 1}" if isinstance(entry, int) else str(entry)
    return ": ".join([where, *map(str, fields), message])
