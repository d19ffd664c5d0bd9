"""Who sees what, in which order: pure functions of a seeded Generator.

A cell is a pair (scene, method) of indices. Every rater rates every cell once.
"""

import numpy as np

Cell = tuple[int, int]


def plan_for_rater(*, scenes: int, methods: int, ordinal: int, seed: int) -> list[Cell]:
    """Order the trials of the `ordinal`-th rater of a study (from 0).

    Each run of `methods` raters forms a Latin square: they share one order of scenes and rotate the methods, so that
    within the run every method stands once at every position, for every scene.
    """
    square, rotation = divmod(ordinal, methods)
    return trial_order(scenes=scenes, methods=methods, rotation=rotation, rng=np.random.default_rng([seed, square]))


def trial_order(*, scenes: int, methods: int, rotation: int, rng: np.random.Generator) -> list[Cell]:
    """Order every scene x method cell once, no scene twice in a row, methods spread evenly over the session.

    The session is `methods` rounds, and each round shows every scene once. Within a round the methods take turns, so
    a rater who stops early has still seen all of them about equally often.

    Args:
        scenes, methods: How many of each, at least 1. With one scene alone a repeat in a row cannot be avoided.
        rotation: Added to every method index, modulo `methods`.
        rng: Generator for the order; equal generators give orders that differ by the rotation only.
    Raises:
        ValueError: `scenes` or `methods` is below 1.
    """
    if scenes < 1 or methods < 1:
        raise ValueError(f"scenes and methods must be at least 1, got {scenes} and {methods}")
    first_method = rng.permutation(np.arange(scenes) % methods)
    order: list[Cell] = []
    for number in range(methods):
        method_of = (first_method + number) % methods
        previous = order[-1][0] if order else -1
        shown = _scene_order(method_of, rng=rng)
        while shown[0] == previous and scenes > 1:
            shown = _scene_order(method_of, rng=rng)
        order += [(scene, int(method_of[scene] + rotation) % methods) for scene in shown]
    return order


def _scene_order(method_of: np.ndarray, *, rng: np.random.Generator) -> list[int]:
    """Shuffle the scenes of one round such that methods take turns: each block has one scene of each method."""
    shuffled = rng.permutation(len(method_of))
    queues = {int(method): [int(s) for s in shuffled if method_of[s] == method] for method in np.unique(method_of)}
    order: list[int] = []
    while queues:
        turns = rng.permutation(sorted(queues))
        order += [queues[int(method)].pop() for method in turns]
        queues = {method: waiting for method, waiting in queues.items() if waiting}
    return order
