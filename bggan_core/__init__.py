"""BGGAN (Qian et al., ECCVW 2020): the Glass-Net generator, its training, its export and its renderer.

Conventions in every module: images are NHWC, RGB; inside the network float32 in [-1, 1], at the edges uint8 in
[0, 255]. Randomness comes in as a seed or a seeded `numpy.random.Generator`; nothing here reads the environment.
"""
