"""Who sees what, in which order: pure functions of counts, an ordinal and a seed.

A *cell* is what votes are wanted on: a scene (row) with a treatment (column). In a rating study a treatment is a
method, in a pairwise study an unordered pair of methods. A cell counts as *assigned* when it is answered or reserved;
a reservation whose lease ran out has *lapsed* and counts as assigned until another rater takes it over.

That makes the balance exact: taking over changes no count, and new reservations go to the least assigned cells, so
the counts of all cells differ by at most 1 after every visit that was planned. A withdrawal can undo it, and a rater
who comes back late to find that the least assigned cells are those already answered; the next raters mend it.

Even cells come before even visits: where raters leave, the methods that they left over must be shown to somebody, and
no choice keeps both (tests/study/test_design.py shows one that cannot).
"""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Cell = tuple[int, int]


@dataclass(frozen=True)
class Filling:
    """How full the cells are, as integers [scenes, treatments]; `flipped` are the assigned with their sides swapped."""

    assigned: Counts
    lapsed: Counts
    flipped: Counts


@dataclass(frozen=True)
class Wishes:
    """What a study asks of every visit.

    Attributes:
        trials: Cells of the design per visit.
        repeats: Of these, how many are asked a second time.
        gold: How many gold items a visit shows.
        gold_scenes: Scene of each gold item; scenes outside of the design have indices of their own.
        votes_wanted: Per cell; None for no limit.
        two_sided: Whether two pictures are shown whose sides can be swapped.
    """

    trials: int
    repeats: int
    gold: int
    gold_scenes: tuple[int, ...]
    votes_wanted: int | None
    two_sided: bool


@dataclass(frozen=True)
class Slot:
    """One trial of a plan: a cell of the design, or the gold item `item`."""

    purpose: Literal["main", "repeat", "gold"]
    scene: int
    treatment: int | None = None
    item: int | None = None
    flipped: bool = False
    takes_over: bool = False


@dataclass(frozen=True)
class VisitPlan:
    """A rater's trials in order, and how often one scene follows itself because it cannot be avoided."""

    slots: tuple[Slot, ...]
    same_scene_in_a_row: int


def plan_visit(filling: Filling, wishes: Wishes, *, ordinal: int, seed: int, seen: Mask | None = None) -> VisitPlan:
    """Plan the visit of the `ordinal`-th rater of a study (from 0).

    Args:
        filling: The cells as they are now.
        wishes: What the study asks of a visit; `trials` may be what is left of one.
        ordinal: Chooses the row of the Williams design; ordinals should follow each other.
        seed: Of the study.
        seen: Cells this rater must not get any more.
    Returns:
        Fewer trials than wished for where fewer cells are still wanted; none where none is.
    """
    rng = np.random.default_rng([seed, ordinal])
    taken, fresh = choose_cells(filling, size=wishes.trials, votes_wanted=wishes.votes_wanted, seen=seen, rng=rng)
    cells = order_cells([*taken, *fresh], treatments=filling.assigned.shape[1], ordinal=ordinal, seed=seed)
    main = [_main_slot(cell, filling, two_sided=wishes.two_sided, taken=set(taken), rng=rng) for cell in cells]
    slots = _with_repeats(main, wishes, rng=rng)
    slots = _with_gold(slots, wishes, ordinal=ordinal, rng=rng)
    in_a_row = sum(slot.scene == following.scene for slot, following in itertools.pairwise(slots))
    return VisitPlan(tuple(slots), in_a_row)


# Which cells


def choose_cells(
    filling: Filling, *, size: int, votes_wanted: int | None, seen: Mask | None, rng: np.random.Generator
) -> tuple[list[Cell], list[Cell]]:
    """Choose up to `size` different cells, those with the fewest answers and live reservations first.

    Among equally full cells, treatments come as equally often in one visit as these cells admit, then scenes about
    equally often. Of some tries the one wins that is best for this visit's scenes and leaves the most even rest.

    A lapsed reservation of a least assigned cell is taken over only if nothing climbs past that cell in the same
    visit: taking over does not raise it, and it would be left two behind. Else it is reserved once more.

    Returns:
        The cells taken over and the cells newly reserved.
    """
    open_ = np.ones_like(filling.assigned, dtype=bool) if seen is None else ~seen
    wanted = open_ if votes_wanted is None else open_ & (filling.assigned < votes_wanted)
    choosable = wanted | (open_ & (filling.lapsed > 0))
    live = filling.assigned - filling.lapsed
    lowest = filling.assigned[wanted].min() if wanted.any() else -1
    low = wanted & (filling.assigned == lowest)
    climbs = size > (choosable & (live <= lowest)).sum() and bool((wanted & ~low).any())
    taking_over = (filling.lapsed > 0) & ~(low & climbs)
    tries = max(1, min(12, 1_000_000 // max(1, size * live.size)))
    blocks = [_choose_block(choosable, live, taking_over, size=size, luck=rng.random(live.shape)) for _ in range(tries)]
    best = min(blocks, key=lambda chosen: _unevenness(chosen, choosable, live, taking_over))
    return _cells_of(best & taking_over), _cells_of(best & ~taking_over)


def _choose_block(
    choosable: Mask, live: Counts, taking_over: Mask, *, size: int, luck: npt.NDArray[np.float64]
) -> Mask:
    """Choose cell by cell: of the least full ones one whose treatment, then whose scene, is the rarest so far.

    Always raising the rarest treatment gives the evenest counts that the levels admit. At a tie, a lapsed reservation
    goes first, then luck decides.
    """
    chosen = np.zeros_like(choosable)
    for _ in range(min(size, int(choosable.sum()))):
        rest = choosable & ~chosen
        level = rest & (live == live[rest].min())
        per_scene, per_treatment = chosen.sum(axis=1), chosen.sum(axis=0)
        rarity = per_treatment[None, :] * chosen.size + per_scene[:, None]
        rank = 2 * rarity + ~taking_over + luck
        chosen.flat[np.where(level, rank, np.inf).argmin()] = True
    return chosen


def _unevenness(chosen: Mask, choosable: Mask, live: Counts, taking_over: Mask) -> tuple[int, int, int]:
    """What makes one block worse than another with the same treatments, the most important first.

    Scenes that come more often than others; lapsed reservations left behind; and, for the raters to come, treatments
    and scenes that have more of the least full cells left than others.
    """
    after = live + chosen
    left = choosable & (after == after[choosable].min()) if choosable.any() else choosable
    return (
        _sum_of_squares(chosen.sum(axis=1)),
        -int((chosen & taking_over).sum()),
        _sum_of_squares(left.sum(axis=0)) + _sum_of_squares(left.sum(axis=1)),
    )


def _sum_of_squares(counts: Counts) -> int:
    """Lowest, at a given total, where the counts are even."""
    return int((counts**2).sum())


def _cells_of(mask: Mask) -> list[Cell]:
    return [(int(scene), int(treatment)) for scene, treatment in np.argwhere(mask)]


# In which order


def williams_rows(treatments: int) -> list[list[int]]:
    """Rows of a Williams design: each treatment stands once at every place, and follows every other equally often.

    Williams (1949): 0, 1, n-1, 2, n-2, ... shifted by each treatment; an odd number needs the mirrored rows too.
    """
    zigzag = [(place + 1) // 2 if place % 2 else (treatments - place // 2) % treatments for place in range(treatments)]
    rows = [[(treatment + shift) % treatments for treatment in zigzag] for shift in range(treatments)]
    return rows + [row[::-1] for row in rows] if treatments % 2 and treatments > 1 else rows


def order_cells(cells: Sequence[Cell], *, treatments: int, ordinal: int, seed: int) -> list[Cell]:
    """Order a visit's cells: treatments by rows of a Williams design, no scene twice in a row where that is possible.

    Consecutive raters get the rows in turn, so that carry-over is balanced over each full turn of raters. Where a
    scene would follow itself, the next treatment of the row goes first; of some tries the one nearest to the rows wins.
    """
    rows = williams_rows(treatments)
    shared = np.random.default_rng([seed, ordinal // len(rows), 1])  # by all raters of one turn
    sequence = _treatment_sequence(cells, rows, ordinal=ordinal, rng=shared)
    own = np.random.default_rng([seed, ordinal, 2])
    tries = max(1, min(12, 40_000 // max(1, len(cells) ** 2)))
    best, fewest = list(cells), len(cells) + 1
    for _ in range(tries):
        order = _place(cells, sequence, rng=own)
        deviations = sum(cell[1] != wish for cell, wish in zip(order, sequence, strict=True))
        if deviations < fewest:
            best, fewest = order, deviations
        if not fewest:
            break
    return best


def _treatment_sequence(
    cells: Sequence[Cell], rows: Sequence[Sequence[int]], *, ordinal: int, rng: np.random.Generator
) -> list[int]:
    """The treatments of the cells in the order of one row after another; a treatment that is used up is left out."""
    left = Counter(treatment for _, treatment in cells)
    sequence: list[int] = []
    while left.total():
        row = rows[(ordinal + int(rng.integers(len(rows)))) % len(rows)]
        if sequence and len(row) > 1:
            while row[0] == sequence[-1]:
                row = rows[(ordinal + int(rng.integers(len(rows)))) % len(rows)]
        for treatment in row:
            if left[treatment]:
                left[treatment] -= 1
                sequence.append(treatment)
    return sequence


def _place(cells: Sequence[Cell], sequence: Sequence[int], *, rng: np.random.Generator) -> list[Cell]:
    """Give each treatment of the sequence a scene; a treatment that must wait keeps its turn."""
    left = [cells[i] for i in rng.permutation(len(cells))]
    waiting = list(sequence)
    order: list[Cell] = []
    while left:
        scenes = Counter(scene for scene, _ in left)
        previous = order[-1][0] if order else None
        allowed = {scene for scene in scenes if scene != previous and _leaves_a_way(scenes, scene)}
        allowed = allowed or {_most_frequent(scenes, previous)}
        cell = _first_of(left, waiting, allowed)
        left.remove(cell)
        waiting.remove(cell[1])
        order.append(cell)
    return order


def _leaves_a_way(scenes: Counter[int], scene: int) -> bool:
    """Whether, after this scene, the rest can still be ordered without a scene following itself.

    That is so if no scene has more than every second of the remaining places, the one just shown one less.
    """
    rest = scenes.total() - 1
    return all(
        count - (other == scene) <= (rest // 2 if other == scene else (rest + 1) // 2)
        for other, count in scenes.items()
    )


def _most_frequent(scenes: Counter[int], previous: int | None) -> int:
    """The scene to show where one must follow itself sooner or later: the crowded one as often as it can be."""
    others = Counter({scene: count for scene, count in scenes.items() if scene != previous})
    return (others or scenes).most_common(1)[0][0]


def _first_of(left: Sequence[Cell], waiting: Sequence[int], allowed: set[int]) -> Cell:
    """The first cell of the first waiting treatment that has one in an allowed scene."""
    by_treatment: dict[int, Cell] = {}
    for cell in left:
        if cell[0] in allowed:
            by_treatment.setdefault(cell[1], cell)
    return next(by_treatment[treatment] for treatment in waiting if treatment in by_treatment)


# Sides, repeats, gold


def _main_slot(cell: Cell, filling: Filling, *, two_sided: bool, taken: set[Cell], rng: np.random.Generator) -> Slot:
    """A main trial with the side that its cell had less often; at a tie, chance decides."""
    surplus = 2 * int(filling.flipped[cell]) - int(filling.assigned[cell])
    flipped = two_sided and (surplus < 0 or (surplus == 0 and bool(rng.integers(2))))
    return Slot("main", *cell, flipped=flipped, takes_over=cell in taken)


def _with_repeats(main: Sequence[Slot], wishes: Wishes, *, rng: np.random.Generator) -> list[Slot]:
    """Ask some cells of the visit's beginning again about half a visit later, with sides swapped."""
    count = min(wishes.repeats, len(main))
    first_part = max(count, (len(main) + 1) // 2)
    originals = sorted(int(place) for place in rng.choice(first_part, size=count, replace=False))
    slots = list(main)
    for original in originals:
        slot = main[original]
        again = replace(slot, purpose="repeat", flipped=wishes.two_sided and not slot.flipped, takes_over=False)
        earliest = slots.index(slot) + 1
        _insert(slots, again, target=earliest + len(main) // 2, earliest=earliest)
    return slots


def _with_gold(slots: list[Slot], wishes: Wishes, *, ordinal: int, rng: np.random.Generator) -> list[Slot]:
    """Spread gold items evenly over the visit, one somewhere in each stretch; raters take turns with the items."""
    count = min(wishes.gold, len(wishes.gold_scenes)) if slots else 0
    stretch = len(slots) / max(1, count)
    targets = [round((number + float(rng.uniform(0.2, 0.8))) * stretch) + number for number in range(count)]
    for number, target in enumerate(targets):
        item = (ordinal * count + number) % len(wishes.gold_scenes)
        flipped = wishes.two_sided and bool(rng.integers(2))
        _insert(slots, Slot("gold", wishes.gold_scenes[item], item=item, flipped=flipped), target=target, earliest=0)
    return slots


def _insert(slots: list[Slot], slot: Slot, *, target: int, earliest: int) -> None:
    """Put a slot at the place nearest to `target` where neither neighbour shows its scene, else at the target."""
    target = min(target, len(slots))
    places = sorted(range(earliest, len(slots) + 1), key=lambda place: abs(place - target))
    fitting = (
        place for place in places if slot.scene not in {near.scene for near in slots[max(0, place - 1) : place + 1]}
    )
    slots.insert(next(fitting, target), slot)
