"""What the page does on each event: a photo's way from upload to the before/after slider and the download.

Handlers run with `preprocess=False`: gr.Image would open an upload before any check of ours, and would fetch it if it
were an address. So the raw payload arrives here and is judged here.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from demo.examples import Example
from demo.pictures import download_name, save_download, save_preview
from demo.uploads import Photo, UploadError, check_photo, pixel_size, read_photo

Render = Callable[[np.ndarray], np.ndarray]

# Upload stage, result stage, comparison, status, download: the order of `Page.outputs`.
Updates = tuple[Any, Any, Any, Any, Any]


@dataclass(frozen=True)
class Handlers:
    """One page's event handlers.

    Attributes:
        render: Photo to photo of the same size, sRGB, uint8 [H, W, 3].
        examples: The photos the gallery offers, in its order.
        cache: Gradio's folder of uploads and results; the only place files are read from or written to.
    """

    render: Render
    examples: Sequence[Example]
    cache: Path

    def check_upload(self, photo: Any) -> None:
        """Refuse by its header what cannot be rendered, before it waits for its turn."""
        _or_error(check_photo, _or_error(uploaded_path, photo, self.cache))

    def render_upload(self, photo: Any) -> Iterator[Updates]:
        """Show the uploaded photo at once, then its rendering."""
        yield from self._steps(_or_error(uploaded_path, photo, self.cache))

    def render_example(self, event: gr.EventData) -> Iterator[Updates]:
        """Show the chosen example at once, then its rendering."""
        index = event._data.get("index") if isinstance(event._data, dict) else None
        if not isinstance(index, int) or not 0 <= index < len(self.examples):
            raise gr.Error("There is no such example photo.", print_exception=False)
        yield from self._steps(self.examples[index].path)

    def render_file(self, photo: Any) -> str:
        """Render one photo file at full resolution."""
        path = _or_error(uploaded_path, photo, self.cache)
        rendered = self._rendered(_or_error(read_photo, path))
        return str(save_download(rendered, self.cache, download_name(path.name)))

    def clear(self) -> tuple[Any, ...]:
        """Go back to the empty page: no photo, upload stage shown, result stage hidden."""
        return (
            None,
            gr.update(visible=True),
            gr.update(visible=False),
            None,
            "",
            gr.update(value=None, interactive=False),
        )

    def _steps(self, path: Path) -> Iterator[Updates]:
        started = time.perf_counter()
        photo = _or_error(read_photo, path)
        before = str(save_preview(photo.rgb, self.cache, "before.jpg"))
        hidden, shown = gr.update(visible=False), gr.update(visible=True)
        yield hidden, shown, (before, before), _working(photo), gr.update(value=None, interactive=False)
        rendered = self._rendered(photo)
        after = str(save_preview(rendered, self.cache, "after.jpg"))
        download = str(save_download(rendered, self.cache, download_name(path.name)))
        seconds = time.perf_counter() - started
        yield hidden, shown, (before, after), _done(photo, seconds), gr.update(value=download, interactive=True)

    def _rendered(self, photo: Photo) -> np.ndarray:
        rendered = self.render(photo.rgb)
        if rendered.shape != photo.rgb.shape or rendered.dtype != np.uint8:
            raise RuntimeError(f"render: gave {rendered.dtype} {rendered.shape} for uint8 {photo.rgb.shape}")
        return rendered


def uploaded_path(photo: Any, cache: Path) -> Path:
    """Find the file behind an upload's payload, which anyone may have forged.

    Raises:
        UploadError: there is no upload, or the payload points at anything but a file in the cache.
    """
    name = photo.get("path") if isinstance(photo, dict) else None
    if not isinstance(name, str) or not name or "\0" in name:
        raise UploadError("No photo arrived. Please choose one and try again.")
    path = Path(name).resolve()
    if not path.is_relative_to(cache.resolve()) or not path.is_file():
        raise UploadError("This photo is no longer on the server. Please upload it again.")
    return path


def _or_error(step: Callable[..., Any], *arguments: Any) -> Any:
    """Run one step on an upload and show its refusal to the visitor."""
    try:
        return step(*arguments)
    except UploadError as error:
        raise gr.Error(escape(str(error)), title="This photo cannot be used", print_exception=False) from error


def _working(photo: Photo) -> str:
    return f'<p class="working">Rendering {_size(photo)}</p>'


def _done(photo: Photo, seconds: float) -> str:
    notes = "".join(f"<p>{escape(note)}</p>" for note in photo.notes)
    return f"<p>{_size(photo)} · {seconds:.1f} s</p>{notes}"


def _size(photo: Photo) -> str:
    height, width, _ = photo.rgb.shape
    return pixel_size(width, height)
