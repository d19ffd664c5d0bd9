"""Everything that is wrong with a file, told at once."""

_SHOWN = 20


class Problems:
    """Collects what is wrong with one file; `refuse` raises it all."""

    def __init__(self, what: str) -> None:
        """Name the file the problems are about."""
        self._what = what
        self._found: list[str] = []

    def add(self, problem: str) -> None:
        """Note a problem; each is kept once."""
        if problem not in self._found:
            self._found.append(problem)

    def refuse(self) -> None:
        """Raise ValueError if there is any problem; the message lists the first 20 and counts the rest."""
        if not self._found:
            return
        lines = [f"{self._what} cannot be read:", *(f"- {problem}" for problem in self._found[:_SHOWN])]
        if len(self._found) > _SHOWN:
            lines.append(f"- and {len(self._found) - _SHOWN} more")
        raise ValueError("\n".join(lines))
