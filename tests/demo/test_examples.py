"""The example photos come with their attributions, or not at all."""

import json
from pathlib import Path

import pytest

from demo.examples import gallery_html, load_examples
from tests.demo.files import write_examples


def test_examples_are_read_in_order(tmp_path: Path) -> None:
    """Each entry becomes a photo with its author and licence."""
    examples = load_examples(write_examples(tmp_path / "examples"))
    assert [example.title for example in examples] == [f"Example {number}" for number in range(6)]
    assert all(example.path.is_file() for example in examples)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"author": None}, r"entry 2: author"),
        ({"licence": ""}, r"entry 2: licence"),
        ({"licence_url": "javascript:alert(1)"}, r"entry 2: licence_url"),
        ({"source": "found somewhere"}, r"entry 2: source"),
        ({"file": "../secret.jpg"}, r"entry 2: file"),
        ({"file": "gone.jpg"}, r"file: not found.*gone\.jpg"),
        ({"colour": "red"}, r"entry 2: colour"),
    ],
)
def test_faulty_entry_is_named_by_number_and_field(tmp_path: Path, change: dict, says: str) -> None:
    """The message leads to the line to mend."""
    folder = write_examples(tmp_path / "examples")
    entries = json.loads((folder / "manifest.json").read_text())
    entries[1] |= change
    (folder / "manifest.json").write_text(json.dumps(entries))
    with pytest.raises(ValueError, match=says):
        load_examples(folder)


@pytest.mark.parametrize("content", ["", "{}", "not json"])
def test_broken_manifest_is_refused(tmp_path: Path, content: str) -> None:
    """Anything but a list of entries."""
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(ValueError, match=r"manifest\.json"):
        load_examples(tmp_path)


def test_missing_manifest_is_refused(tmp_path: Path) -> None:
    """The folder is named."""
    with pytest.raises(ValueError, match=r"no manifest\.json"):
        load_examples(tmp_path)


def test_gallery_shows_licences_and_escapes_names(tmp_path: Path) -> None:
    """Author and licence stand beside each photo; a name is never markup."""
    html = gallery_html(load_examples(write_examples(tmp_path / "examples")))
    assert html.count("data-example=") == 6
    assert html.count("CC0 1.0") == 6
    assert html.count('href="https://example.org/photo" title="https://example.org/photo (scaled)"') == 6
    assert "Ada &lt;Lovelace&gt;" in html
    assert "<Lovelace>" not in html


def test_shipped_examples_are_complete() -> None:
    """Six photos, each with its attribution."""
    assert len(load_examples(Path(__file__).resolve().parents[2] / "examples")) == 6
