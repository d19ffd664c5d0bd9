"""Sheets of pictures by which a network is judged by eye: photos it never saw, its failures, unusual photos, nights."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer

from bggan_core.configs import CONFIGS, SCORING_CONFIG
from bggan_core.data.corpus import CorpusEntry, never_trained_on, read_manifest, series_of
from bggan_core.data.pairs import Pair
from bggan_core.data.photo_pairs import pictures_by_stem
from bggan_core.data.synthetic import PairMaker, PairRecipe
from bggan_core.evaluation import trained_photos
from bggan_core.focus import fitted_psnr_gain
from bggan_core.rendering import Photo, Renderer

# Longer side of a picture on a sheet, and the gap between pictures, in pixels.
_SIDE_PX, _GAP_PX = 480, 6


def _sheet_name(path: Path) -> Path:
    if path.suffix.lower() not in {".jpg", ".png"}:
        raise typer.BadParameter(f"must end in .jpg or .png, got {path.name}")
    return path


Corpus = Annotated[Path, typer.Option(help="Folder with manifest.csv, photos/, mattes/ and depth/.")]
Sheet = Annotated[Path, typer.Option(help="Picture to write, .jpg or .png.", callback=_sheet_name)]
Weights = Annotated[Path, typer.Option(help="Published weights.")]
Columns = Annotated[int, typer.Option(min=1, help="Rows of pictures beside each other.")]
Names = Annotated[
    Path | None, typer.Option(help="File of the photos to choose from, one name a line; without it, all held out.")
]

app = typer.Typer(help=__doc__, no_args_is_help=True)


@app.command()
def photos(
    sheet: Sheet,
    folder: Annotated[
        Path,
        typer.Option(help="Folder of photos; what was trained on is known by its name.", exists=True, file_okay=False),
    ] = Path("examples/unseen"),
    weights: Weights = Path("weights"),
    count: Annotated[int, typer.Option(min=1, help="Photos.")] = 40,
    seed: Annotated[int, typer.Option(help="The same seed draws the same photos.")] = 0,
    columns: Columns = 4,
) -> None:
    """Photos of a folder that were never trained on, each beside its rendering; of more than COUNT, a draw."""
    renderer = Renderer.from_folder(weights)
    trained = {series_of(name) for name in trained_photos(weights)}
    unseen = [path for name, path in pictures_by_stem(folder).items() if series_of(name) not in trained]
    if not unseen:
        raise typer.BadParameter(f"{folder} holds no photo that {weights} never trained on", param_hint="--folder")
    chosen = np.random.default_rng(seed).permutation(len(unseen))[:count]
    drawn = [unseen[number] for number in sorted(chosen)]
    _write(sheet, _arrange([_beside(photo, renderer.render(photo)) for photo in map(_open, drawn)], columns))
    typer.echo("\n".join(path.stem for path in drawn))


@app.command()
def failures(
    corpus: Corpus,
    sheet: Sheet,
    weights: Weights = Path("weights"),
    names: Names = None,
    pairs: Annotated[int, typer.Option(min=1, help="Pairs to choose from.")] = 60,
    count: Annotated[int, typer.Option(min=1, help="The worst of them, on the sheet.")] = 8,
    seed: Annotated[int, typer.Option(help="The same seed gives the same pairs.")] = 7,
) -> None:
    """The synthetic pairs that a rendering helped least, by PSNR over the photo: photo, rendering, ground truth."""
    renderer = Renderer.from_folder(weights)
    judged = []
    entries = _held_out(corpus, weights, names)
    for pair in _pairs(corpus, entries, recipe=CONFIGS[SCORING_CONFIG].pairs, count=pairs, seed=seed):
        rendering = _render(renderer, pair)
        judged.append((fitted_psnr_gain(rendering, pair.photo, pair.bokeh, pair.mask), pair, rendering))
    worst = sorted(judged, key=lambda each: each[0])[:count]
    _write(sheet, _arrange([_beside(pair.photo, rendering, pair.bokeh) for _, pair, rendering in worst], 1))
    typer.echo("\n".join(f"{gain:+.2f} dB over the photo" for gain, _, _ in worst))


@app.command()
def nights(
    corpus: Corpus,
    sheet: Sheet,
    weights: Weights = Path("weights"),
    names: Names = None,
    count: Annotated[int, typer.Option(min=1, help="Pairs.")] = 6,
    seed: Annotated[int, typer.Option(help="The same seed gives the same pairs.")] = 7,
) -> None:
    """Nights with lamps: photo, rendering, ground truth."""
    renderer = Renderer.from_folder(weights)
    recipe = dataclasses.replace(CONFIGS[SCORING_CONFIG].pairs, night_share=1.0)
    drawn = _pairs(corpus, _held_out(corpus, weights, names), recipe=recipe, count=count, seed=seed)
    _write(sheet, _arrange([_beside(pair.photo, _render(renderer, pair), pair.bokeh) for pair in drawn], 1))


@app.command()
def unusual(
    sheet: Sheet,
    weights: Weights = Path("weights"),
    examples: Annotated[Path, typer.Option(help="Folder with the example photos.")] = Path("examples"),
) -> None:
    """What is no ordinary photo, each beside its rendering; prints size and the largest change of a pixel."""
    renderer = Renderer.from_folder(weights)
    rows = []
    for title, photo in _unusual_photos(examples):
        rendering = renderer.render(photo)
        change = int(np.abs(rendering.astype(int) - photo).max())
        typer.echo(f"{title}: {photo.shape[1]} x {photo.shape[0]}, changed by at most {change} of 255")
        rows.append(_beside(photo, rendering))
    _write(sheet, _arrange(rows, 2))


@app.command()
def full_size(
    photo: Annotated[Path, typer.Argument(help="A photo larger than the working size.", exists=True)],
    sheet: Sheet,
    window: Annotated[tuple[int, int], typer.Option(help="Row and column of the crops' corner.")] = (0, 0),
    side: Annotated[int, typer.Option(min=64, help="Side of the crops in pixels.")] = 480,
    weights: Weights = Path("weights"),
) -> None:
    """Crops: the photo and the product's rendering, above one without detail transfer and the network at full size."""
    renderer = Renderer.from_folder(weights)
    whole = _open(photo)
    height, width = whole.shape[:2]
    top, left = window
    if not (0 <= top <= height - side and 0 <= left <= width - side):
        raise typer.BadParameter(
            f"{side} pixels from {window} lie outside of {height} x {width}", param_hint="--window"
        )
    versions = [
        whole / np.float32(255),
        renderer.render(whole) / np.float32(255),
        renderer.render_scaled_up(whole),
        renderer.render_at_working_size(whole.astype(np.float32) / 255),
    ]
    crops = [version[top : top + side, left : left + side] for version in versions]
    _write(sheet, _arrange([_beside(*crops[:2]), _beside(*crops[2:])], 1))


def _held_out(corpus: Path, weights: Path, names: Path | None) -> list[CorpusEntry]:
    entries = never_trained_on(read_manifest(corpus), trained_photos(weights))
    if names is not None:
        wanted = set(names.read_text(encoding="utf-8").splitlines()) - {""}
        if missing := wanted - {entry.name for entry in entries}:
            raise typer.BadParameter(f"not among the photos never trained on: {sorted(missing)}", param_hint="--names")
        entries = [entry for entry in entries if entry.name in wanted]
    if not entries:
        raise typer.BadParameter("no photo that was held out and never trained on", param_hint="--corpus")
    return entries


def _open(path: Path) -> Photo:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if picture is None:
        raise typer.BadParameter(f"{path} is missing or is no picture")
    return picture


def _pairs(
    corpus: Path, entries: Sequence[CorpusEntry], *, recipe: PairRecipe, count: int, seed: int
) -> Iterator[Pair]:
    maker = PairMaker(corpus, entries, recipe=recipe, seed=seed)
    return (maker.make(index, height=256, width=384) for index in range(count))


def _render(renderer: Renderer, pair: Pair) -> np.ndarray:
    return renderer.render(np.rint(pair.photo * 255).astype(np.uint8)) / np.float32(255)


def _unusual_photos(examples: Path) -> Iterator[tuple[str, Photo]]:
    def read(name: str) -> Photo:
        return _open(examples / name)

    def scaled(photo: Photo, width: int, height: int) -> Photo:
        return cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)

    wide = read("dragonfly.jpg")
    yield "12 MP in portrait (6 MP enlarged)", cv2.resize(read("drum.jpg")[:2667], (3000, 4000))
    yield "panorama", wide[700:1300]
    yield "thumbnail", scaled(read("fig.jpg")[:, 425:2125], 200, 200)
    yield "drawing", _draw()
    yield "black frame", np.zeros((480, 640, 3), np.uint8)
    yield "white frame", np.full((480, 640, 3), 255, np.uint8)
    yield "grain", np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    yield "the smallest", scaled(read("fig.jpg"), 24, 16)


def _draw() -> Photo:
    """A house, a sun and a fence in black ink."""
    sheet = np.full((480, 640, 3), 250, np.uint8)
    ink = {"color": (20, 20, 20), "thickness": 3, "lineType": cv2.LINE_AA}
    cv2.rectangle(sheet, (180, 220), (400, 400), **ink)
    cv2.polylines(sheet, [np.array([[160, 220], [290, 110], [420, 220]])], False, **ink)
    cv2.rectangle(sheet, (260, 300), (320, 400), **ink)
    cv2.circle(sheet, (540, 90), 45, **ink)
    for x in range(20, 640, 40):
        cv2.line(sheet, (x, 380), (x, 450), **ink)
    cv2.line(sheet, (0, 410), (640, 410), **ink)
    return sheet


def _beside(*pictures: np.ndarray) -> Photo:
    """Pictures of one size beside each other, uint8, none larger than a sheet has room for."""
    scale = min(1.0, _SIDE_PX / max(pictures[0].shape[:2]))
    resized = [_fit(_to_uint8(picture), scale) for picture in pictures]
    gap = np.full((resized[0].shape[0], _GAP_PX, 3), 255, np.uint8)
    return np.hstack([part for picture in resized for part in (picture, gap)][:-1])


def _to_uint8(picture: np.ndarray) -> Photo:
    return picture if picture.dtype == np.uint8 else np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def _fit(picture: Photo, scale: float) -> Photo:
    if scale == 1.0:
        return picture
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def _arrange(rows: Sequence[Photo], columns: int) -> Photo:
    """Fill columns from the top, each next row into the shortest column, on white."""
    stacks: list[list[Photo]] = [[] for _ in range(columns)]

    def height(stack: list[Photo]) -> int:
        return sum(row.shape[0] + _GAP_PX for row in stack)

    for row in rows:
        min(stacks, key=height).append(row)
    widths = [max((row.shape[1] for row in stack), default=0) for stack in stacks]
    sheet = np.full((max(map(height, stacks)), sum(widths) + _GAP_PX * columns, 3), 255, np.uint8)
    left = 0
    for stack, width in zip(stacks, widths, strict=True):
        top = 0
        for row in stack:
            sheet[top : top + row.shape[0], left : left + row.shape[1]] = row
            top += row.shape[0] + _GAP_PX
        left += width + _GAP_PX
    return sheet


def _write(path: Path, sheet: Photo) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    quality = [] if path.suffix.lower() == ".png" else [cv2.IMWRITE_JPEG_QUALITY, 88]
    if not cv2.imwrite(str(path), sheet[..., ::-1], quality):
        raise typer.BadParameter(f"cannot write {path}", param_hint="--sheet")


if __name__ == "__main__":
    app()
