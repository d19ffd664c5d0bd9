"""Simulated raters, for rehearsing a study and for testing what its tables recover. Never mixed with people's votes.

Qualities, biases and spreads are shares of the answer scale: 0 is the worst answer, 1 the best. Randomness comes in
as a seeded numpy Generator.
"""
