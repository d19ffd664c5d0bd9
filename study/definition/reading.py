"""From a study file or a bare folder to a whole definition, checked before anything is stored."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path

import yaml
from pydantic import ValidationError

from study.definition import words as defaults
from study.definition.folders import (
    PictureFiles,
    SourcePicture,
    decode_pictures,
    duplicates,
    find_pictures,
    missing_pictures,
    unequal_sizes,
    without_ground_truth,
)
from study.definition.form import GoldForm, ItemForm, ScaleForm, StudyForm, Texts
from study.definition.whole import GROUND_TRUTH, Item, StudyDefinition, Words
from study.scale import PRESETS, Scale, labelled_scale, rating_scale


def read_study(
    folder: Path,
    *,
    name: str,
    title: str | None = None,
    question: str = defaults.DEFAULT_QUESTION,
    scale: Scale | None = None,
) -> StudyDefinition:
    """Make a rating study of a bare folder, decoding every picture: every rater sees every picture.

    Args:
        folder: Holds `ground_truth/` and one folder per method.
        name: Used in the link and on the command line: small letters, digits, `-` and `_`. Raters see it.
        title: Headline of the rater's page; left out, no headline is made from the name.
        question: What raters answer about each picture.
        scale: The answers; left out, the paper's 0-5.
    Raises:
        ValueError: anything is wrong; the message lists every problem found, not only the first.
    """
    scale = scale or rating_scale()
    labels = [point.label for point in scale.points]
    fields = {
        "name": name,
        "title": title,
        "question": question,
        "scale": {"lowest": scale.points[0].value, "labels": labels},
    }
    form, problems = _checked_form(fields)
    if form is None:
        _, found = _read_pictures(StudyForm(name="unnamed"), folder)
        raise _refusal(f"study folder {folder}", [*problems, *found])
    return _define(form, folder, source=f"study folder {folder}")


def read_study_file(path: Path) -> StudyDefinition:
    """Read a study file (YAML, or JSON, which is YAML), decoding every picture it names.

    Raises:
        ValueError: anything is wrong; the message lists every problem found, not only the first.
    """
    try:
        fields = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"study file {path} cannot be read: {error}") from error
    if not isinstance(fields, dict):
        raise ValueError(f"study file {path} must hold fields such as `name: my-study`")  # noqa: TRY004  not a type error to its writer
    form, problems = _checked_form(fields)
    if form is None:
        raise _refusal(f"study file {path}", problems)
    return _define(form, path.parent / form.pictures, source=f"study file {path}")


def _checked_form(fields: Mapping[str, object]) -> tuple[StudyForm | None, list[str]]:
    """Check every field by itself."""
    try:
        return StudyForm.model_validate(fields), []
    except ValidationError as error:
        return None, [_problem(detail["loc"], detail["msg"], detail["input"]) for detail in error.errors()]


def _problem(place: Sequence[object], message: str, received: object) -> str:
    """Say where in the file, what is wrong and what was found there."""
    if place == ("name",):
        return f"name {received!r}: use a-z, 0-9, - and _, at most 64, a-z first"
    where = ".".join(str(part) for part in place) or "file"
    found = f" (got {received!r})" if isinstance(received, str | int | float) else ""
    return f"{where}: {message.removeprefix('Value error, ')}{found}"


def _refusal(source: str, problems: Sequence[str]) -> ValueError:
    return ValueError(f"{source} has {len(problems)} problem(s):\n- " + "\n- ".join(problems))


def _define(form: StudyForm, folder: Path, *, source: str) -> StudyDefinition:
    """Read the pictures, put everything together and refuse it whole if anything is wrong."""
    pictures, problems = _read_pictures(form, folder)
    scale, labels, scale_problems = _scale(form)
    words, word_problems = _words(form, labels)
    problems += scale_problems + word_problems
    scenes = _design_scenes(form, pictures)
    methods = _design_methods(form, pictures)
    items = (*form.practice, *form.gold)
    extra = {name for item in items for name in _methods_of(item)} - set(methods)
    problems += _item_problems(form, scale, scenes=scenes, methods=methods)
    cells = len(scenes) * (len(methods) if form.mode == "rating" else len(methods) * (len(methods) - 1) // 2)
    problems += _amount_problems(form, cells=cells, methods=len(methods))
    if problems:
        raise _refusal(source, problems)
    return StudyDefinition(
        name=form.name,
        mode=form.mode,
        languages=tuple(form.languages),
        words=words,
        consent_version=form.consent.version,
        scale=scale,
        ties_allowed=bool(form.ties),
        scenes=scenes,
        methods=methods,
        extra_scenes=tuple(sorted({item.scene for item in items} - set(scenes))),
        extra_methods=tuple(sorted(extra)),
        hidden_reference=form.hidden_reference,
        practice=tuple(_item(item, item.expected) for item in form.practice),
        gold=tuple(_item(item, item.accepted) for item in form.gold),
        gold_per_visit=len(form.gold) if form.gold_per_visit is None else form.gold_per_visit,
        repeats_per_visit=form.repeats_per_visit,
        trials_per_visit=form.trials_per_visit or cells,
        votes_wanted=form.votes_wanted,
        lease_minutes=form.lease_minutes,
        invitation_required=form.entry == "invited",
        pictures=(*_used(pictures, form, scenes, methods), *_aliases(form, pictures, scenes)),
    )


# Pictures


def _read_pictures(form: StudyForm, folder: Path) -> tuple[list[SourcePicture], list[str]]:
    """Decode all pictures of the study's folders and say what is wrong with them."""
    only = None if form.methods is None else {*form.methods, *form.anchors}
    files, problems = find_pictures(folder, ground_truth=form.ground_truth, only=only)
    methods = sorted(set(files) - {form.ground_truth, *form.anchors})
    if folder.is_dir() and not methods:
        problems.append(f"there is no method folder beside {form.ground_truth}/; a study needs at least one")
    reserved = {form.hidden_reference, GROUND_TRUTH} & (set(files) - {form.ground_truth})
    problems += [f"{name}/: this name stands for the ground truth itself; rename the folder" for name in reserved]
    problems += missing_pictures(files, _needed(form, files, methods))
    problems += without_ground_truth(files, ground_truth=form.ground_truth)
    pictures, unreadable = decode_pictures(files, ground_truth=form.ground_truth)
    problems += unreadable
    problems += unequal_sizes(pictures, ground_truth=form.ground_truth)
    return pictures, problems + duplicates(pictures, ground_truth=form.ground_truth)


def _needed(form: StudyForm, files: PictureFiles, methods: Sequence[str]) -> list[tuple[str, str]]:
    """Every (folder, scene) that the design and the items show."""
    listed = set(files.get(form.ground_truth, {})) - set(form.extra_scenes) if form.scenes is None else set(form.scenes)
    items = (*form.practice, *form.gold)
    design = {(method, scene) for scene in listed for method in (form.ground_truth, *methods)}
    truth = {(form.ground_truth, scene) for scene in chain(form.extra_scenes, (item.scene for item in items))}
    shown = {(name, item.scene) for item in items for name in _methods_of(item) if not _is_truth(form, name)}
    return sorted(design | truth | shown)


def _is_truth(form: StudyForm, name: str) -> bool:
    """Whether this method's pictures are the ground truth's."""
    return name in {GROUND_TRUTH, form.hidden_reference}


def _design_scenes(form: StudyForm, pictures: Sequence[SourcePicture]) -> tuple[str, ...]:
    """The scenes votes are wanted on, sorted."""
    if form.scenes is not None:
        return tuple(sorted(set(form.scenes)))
    return tuple(sorted({p.scene for p in pictures if p.method is None} - set(form.extra_scenes)))


def _design_methods(form: StudyForm, pictures: Sequence[SourcePicture]) -> tuple[str, ...]:
    """The methods under test, sorted, the hidden reference among them."""
    named = form.methods if form.methods is not None else [p.method for p in pictures if p.method is not None]
    hidden = () if form.hidden_reference is None else (form.hidden_reference,)
    return tuple(sorted({*named, *hidden} - set(form.anchors)))


def _used(
    pictures: Sequence[SourcePicture], form: StudyForm, scenes: Sequence[str], methods: Sequence[str]
) -> list[SourcePicture]:
    """Leave out what neither the design nor an item shows."""
    items = (*form.practice, *form.gold)
    shown = {(item.scene, name) for item in items for name in _methods_of(item)}
    shown |= {(scene, method) for scene in scenes for method in methods}
    shown_scenes = {scene for scene, _ in shown}
    return [p for p in pictures if (p.method is None and p.scene in shown_scenes) or (p.scene, p.method) in shown]


def _aliases(form: StudyForm, pictures: Sequence[SourcePicture], scenes: Sequence[str]) -> list[SourcePicture]:
    """The ground truth once more under each name by which it is rated."""
    items = (*form.practice, *form.gold)
    shown = {(item.scene, name) for item in items for name in _methods_of(item) if _is_truth(form, name)}
    if form.hidden_reference is not None:
        shown |= {(scene, form.hidden_reference) for scene in scenes}
    truths = {p.scene: p for p in pictures if p.method is None}
    return [
        SourcePicture(scene, name, truth.path, truth.width, truth.height, truth.pixel_sha256)
        for scene, name in sorted(shown)
        for truth in [truths[scene]]
    ]


# Items and amounts


def _methods_of(item: ItemForm) -> tuple[str, ...]:
    """The one or two names an item shows."""
    return tuple(name for name in (item.method, item.left, item.right) if name is not None)


def _item(item: ItemForm, accepted: Sequence[int] | Sequence[str]) -> Item:
    """Write a range of values out; choices stay as they are."""
    shown = _methods_of(item)
    values = [value for value in accepted if isinstance(value, int)]
    every = tuple(range(min(values), max(values) + 1)) if values else tuple(str(choice) for choice in accepted)
    return Item(item.scene, shown[0], shown[1] if len(shown) > 1 else None, every)


def _item_problems(form: StudyForm, scale: Scale | None, *, scenes: Sequence[str], methods: Sequence[str]) -> list[str]:
    """What is wrong with practice and gold items, each named by its place in the file."""
    choices = ("left", "right", "tie") if form.ties else ("left", "right")
    allowed: Sequence[int] | Sequence[str] = choices if scale is None else scale.values
    known = {*methods, *form.anchors, GROUND_TRUTH}
    problems = []
    listed: list[tuple[str, ItemForm, Sequence[int] | Sequence[str]]] = [
        *((f"practice.{n}", item, item.expected) for n, item in enumerate(form.practice)),
        *((f"gold.{n}", item, item.accepted) for n, item in enumerate(form.gold)),
    ]
    for where, item, accepted in listed:
        problems += [f"{where}: {name} is neither in methods nor in anchors" for name in {*_methods_of(item)} - known]
        if off := [answer for answer in accepted if answer not in allowed]:
            problems.append(f"{where}: answers {off} cannot be given; there are {list(allowed)}")
        if item.left is not None and item.left == item.right:
            problems.append(f"{where}: left and right are the same")
        if isinstance(item, GoldForm) and item.scene in scenes and set(_methods_of(item)) <= set(methods):
            problems.append(f"{where}: is asked in the design too; use an anchor, ground_truth or one of extra_scenes")
    return problems


def _amount_problems(form: StudyForm, *, cells: int, methods: int) -> list[str]:
    """Numbers that do not fit each other."""
    problems = []
    if form.mode == "pairwise" and methods < 2:
        problems.append("a pairwise study needs at least two methods")
    if form.trials_per_visit is not None and form.trials_per_visit > cells:
        problems.append(f"trials_per_visit is {form.trials_per_visit}, but the design has {cells} cells")
    if form.repeats_per_visit > (form.trials_per_visit or cells):
        problems.append(f"repeats_per_visit is {form.repeats_per_visit}, more than the trials of a visit")
    if form.gold_per_visit is not None and form.gold_per_visit > len(form.gold):
        problems.append(f"gold_per_visit is {form.gold_per_visit}, but there are {len(form.gold)} gold items")
    return problems


# Words


def _scale(form: StudyForm) -> tuple[Scale | None, dict[str, tuple[str, ...]], list[str]]:
    """The scale in the default language and its labels in every language."""
    if form.mode == "pairwise":
        return None, dict.fromkeys(form.languages, ()), []
    if isinstance(form.scale, ScaleForm):
        given, lowest = form.scale.labels, form.scale.lowest
        by_language = given if isinstance(given, dict) else {form.languages[0]: given}
    else:
        preset = PRESETS[form.scale or "paper"]
        by_language, lowest = {code: list(labels) for code, labels in preset.labels.items()}, preset.lowest
    problems = [f"scale.labels: no labels in {code}" for code in form.languages if code not in by_language]
    labels = {code: tuple(label.strip() for label in by_language.get(code, [])) for code in form.languages}
    counts = {len(values) for values in labels.values() if values}
    if len(counts) > 1:
        problems.append(f"scale.labels: languages have different numbers of labels: {sorted(counts)}")
    if problems:
        return None, labels, problems
    try:
        scales = [labelled_scale(labels[code], lowest=lowest) for code in form.languages]
    except ValueError as error:
        return None, labels, [f"scale.{error}"]
    return scales[0], labels, []


def _words(form: StudyForm, labels: Mapping[str, tuple[str, ...]]) -> tuple[dict[str, Words], list[str]]:
    """Every text in every language; the study's own words go before the usual ones."""
    problems: list[str] = []
    rating = form.mode == "rating"
    question = defaults.RATING_QUESTION if rating else defaults.PAIRWISE_QUESTION
    instructions = defaults.RATING_INSTRUCTIONS if rating else defaults.PAIRWISE_INSTRUCTIONS
    read = _text_reader(form, problems)
    words = {
        code: Words(
            title=read("title", form.title, defaults.TITLE, code),
            question=read("question", form.question, question, code),
            instructions=read("instructions", form.instructions, instructions, code),
            consent=read("consent.text", form.consent.text, defaults.CONSENT, code),
            scale_labels=labels[code],
            feedback=tuple(
                "" if item.feedback is None else read(f"practice.{n}.feedback", item.feedback, {}, code)
                for n, item in enumerate(form.practice)
            ),
        )
        for code in form.languages
    }
    return words, problems


def _text_reader(form: StudyForm, problems: list[str]) -> Callable[[str, Texts | None, Mapping[str, str], str], str]:
    """Make a function that picks a text's words in a language and notes where there are none."""

    def read(field: str, given: Texts | None, usual: Mapping[str, str], language: str) -> str:
        own = {form.languages[0]: given} if isinstance(given, str) else given
        found = (usual if own is None else own).get(language)
        if found is None:
            problems.append(f"{field}: no text in {language}")
        return found or ""

    return read
