"""How a value becomes a cell: numbers to eight significant digits, text that no spreadsheet or TeX takes for a command.

Eight digits are more than any study settles and fewer than processors disagree about, so tables rebuilt elsewhere agree
to the last digit written.
"""

import math
import re
import unicodedata

import numpy as np
import pandas as pd

SIGNIFICANT_DIGITS = 8
# OWASP "CSV Injection": spreadsheets run cells that begin so, the full-width forms included.
_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedblright{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "[": "{[}",
    "]": "{]}",
    "-": "{-}",
    "\u00b1": r"\textpm{}",
    "\u00d7": r"\texttimes{}",
    "\u00b2": r"\texttwosuperior{}",
    "\u2013": "--",
    "\u2014": "---",
    "ß": r"\ss{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "œ": r"\oe{}",
    "Œ": r"\OE{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
}
_LATEX_ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0323": "d",
    "\u0327": "c",
}


def is_missing(value: object) -> bool:
    """Whether a cell holds nothing."""
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def number_text(value: float) -> str:
    """A number to eight significant digits, without a sign before zero."""
    text = f"{value:.{SIGNIFICANT_DIGITS}g}"
    return "0" if text == "-0" else text


def exact_number(value: object) -> object:
    """A number as a count where it is whole, else with its shortest digits that read back as itself."""
    if not isinstance(value, float) or is_missing(value):
        return value
    return int(value) if value.is_integer() else _Exact(repr(value))


class _Exact(str):
    """Digits that are a number, not text that a spreadsheet could run."""

    __slots__ = ()


def cell_text(value: object) -> str:
    """The plain text of a value: nothing for what is missing, `true` and `false`, eight digits of a real number."""
    if is_missing(value):
        return ""
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    return number_text(value) if isinstance(value, float) else str(value)


def guard_formula(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would run; `unguard_formula` takes it off again."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguard_formula(text: str) -> str:
    """The text that `guard_formula` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def csv_cell(value: object) -> str:
    """A cell of a CSV file; only text is guarded, so negative numbers stay numbers."""
    is_text = isinstance(value, str) and not isinstance(value, _Exact)
    return guard_formula(str(value)) if is_text else cell_text(value)


def markdown_cell(value: object) -> str:
    """A cell of a Markdown table: no bar, no line break, no markup, no HTML."""
    text = " ".join(cell_text(value).split())
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", text)


def latex_text(text: str) -> str:
    """Text for LaTeX in any font encoding, every special character in its spelled form.

    Accented Latin letters become accent commands. What pdfLaTeX has no letter for, as most other scripts, becomes its
    code point `[U+4E2D]`, so that a table compiles whatever the methods are called.
    """
    composed = unicodedata.normalize("NFC", " ".join(text.split()))
    return "".join(_latex_character(character) for character in composed)


def latex_number(text: str) -> str:
    """A numeric cell for LaTeX: as text, but with minus signs for hyphens."""
    return latex_text(text).replace("{-}", "$-$")


def _latex_character(character: str) -> str:
    if character in _LATEX:
        return _LATEX[character]
    if character.isascii():
        return character if character.isprintable() else ""
    base, *accents = list(unicodedata.normalize("NFD", character))
    if len(accents) == 1 and base.isascii() and base.isalpha() and accents[0] in _LATEX_ACCENTS:
        return f"\\{_LATEX_ACCENTS[accents[0]]}{{{base}}}"
    return f"{{[}}U+{ord(character):04X}{{]}}"
