"""Configurations as files: JSON beside a run, TOML and `key=value` that change a named one."""

import copy
import dataclasses
import json
import math
import tomllib
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from bggan_core.configs import TrainingConfig

T = TypeVar("T")


def save_config(config: TrainingConfig, path: Path) -> None:
    """Write a configuration as JSON; another worker that reads at the same time sees all of it or nothing."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(json.dumps(dataclasses.asdict(config), indent=2) + "\n", encoding="utf-8")
    beside.replace(path)


def load_config(path: Path) -> TrainingConfig:
    """Read a configuration that `save_config` wrote, now or in an earlier version, whose missing fields get defaults.

    Raises:
        ValueError: a field is unknown, missing or of another type; the message names the file and the field.
    """
    try:
        return _build(TrainingConfig, json.loads(path.read_text(encoding="utf-8")), where="")
    except ValueError as error:
        raise ValueError(f"{path} is no training configuration of this version: {error}") from error


def read_changes(file: Path | None, settings: Sequence[str]) -> dict[str, Any]:
    """Read changes to a configuration from a TOML file, then from "key=value" settings, which win.

    A key may be dotted ("stage_b.critics.channels"); a value is TOML ("8", "[3, 5]"), a bare word, or "none" where a
    field may have no value. What stands below "a" or "b" is for that stage alone ("b.learning_rate=1e-5").

    Raises:
        ValueError: the file is no TOML, or a setting is not key=value.
    """
    changes: dict[str, Any] = {}
    if file is not None:
        try:
            changes = tomllib.loads(file.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"{file} is no TOML: {error}") from error
    for setting in settings:
        _merge(changes, _parse_setting(setting), where="")
    return changes


def change_config(config: TrainingConfig, changes: Mapping[str, Any]) -> TrainingConfig:
    """Change fields of a configuration as `read_changes` found them; stage A has no use for those of "stage_b".

    A changed configuration is called NAME-custom unless the changes name it.

    Raises:
        ValueError: a key is unknown or a value does not fit; the message names it.
    """
    own, other = ("b", "a") if config.stage_b else ("a", "b")
    # A copy: what is merged in for this stage must not reach the other one.
    chosen = {name: copy.deepcopy(change) for name, change in changes.items() if name not in (own, other)}
    _merge(chosen, changes.get(own, {}), where=f"{own}.")
    if config.stage_b is None:
        chosen.pop("stage_b", None)
    if not chosen:
        return config
    values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    _merge(values, {"name": f"{config.name}-custom", **chosen}, where="")
    return _build(TrainingConfig, values, where="")


def _parse_setting(setting: str) -> dict[str, Any]:
    key, equals, text = setting.partition("=")
    if not equals or not key.strip():
        raise ValueError(f"a setting is key=value, got {setting!r}")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    for name in reversed(key.strip().split(".")):
        value = {name: value}
    return dict(value)


def _merge(values: dict[str, Any], changes: Mapping[str, Any], *, where: str) -> None:
    """Put changes into nested values, in place; what is no table is replaced."""
    for name, change in changes.items():
        if isinstance(change, Mapping) and name in values:
            if not isinstance(values[name], dict):
                raise ValueError(f"{where}{name} is {values[name]!r} and has no fields to set")
            _merge(values[name], change, where=f"{where}{name}.")
        else:
            values[name] = change


def _build(kind: type[T], values: Mapping[str, Any], *, where: str) -> T:
    hints = get_type_hints(kind)
    if unknown := sorted(set(values) - set(hints)):
        raise ValueError(f"unknown field {where}{unknown[0]}; known: {', '.join(hints)}")
    fields = {name: _convert(hints[name], value, where=f"{where}{name}") for name, value in values.items()}
    try:
        return kind(**fields)
    except TypeError as error:  # a field without a default is missing
        raise ValueError(f"{where or 'configuration'}: {error}") from error


def _convert(hint: Any, value: Any, *, where: str) -> Any:
    """Turn a JSON or TOML value into what a field's type says."""
    if get_origin(hint) in (Union, types.UnionType):
        choices = [choice for choice in get_args(hint) if choice is not types.NoneType]
        return None if value in (None, "none") else _convert(choices[0], value, where=where)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Mapping):
            raise ValueError(f"{where} must be a table, got {value!r}")
        return _build(hint, value, where=f"{where}.")
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise ValueError(f"{where} must be a list, got {value!r}")
        kinds = get_args(hint)
        if kinds[-1] is Ellipsis:
            kinds = kinds[:1] * len(value)
        if len(value) != len(kinds):
            raise ValueError(f"{where} must be a list of {len(kinds)}, got {value!r}")
        return tuple(
            _convert(kind, item, where=f"{where}[{i}]") for i, (kind, item) in enumerate(zip(kinds, value, strict=True))
        )
    return _convert_scalar(hint, value, where=where)


def _convert_scalar(hint: Any, value: Any, *, where: str) -> Any:
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise ValueError(f"{where} must be one of {', '.join(map(repr, get_args(hint)))}, got {value!r}")
        return value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if hint is float and is_number:
        return float(value)
    if hint is int and is_number and math.isfinite(value) and int(value) == value:
        return int(value)
    if hint in (int, float) or not isinstance(value, hint):
        raise ValueError(f"{where} must be {hint.__name__}, got {value!r}")
    return value
