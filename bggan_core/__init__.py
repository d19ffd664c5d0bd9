"""BGGAN (Qian et al., ECCVW 2020): the Glass-Net generator, its training, its export and its renderer.

Conventions: images are RGB, channels last; batches for the network float32 in [-1, 1], single pictures of optics, pairs
and measures float32 in [0, 1], photos and renderings of the product uint8 in [0, 255]. Randomness comes in as a seed or
a seeded `numpy.random.Generator`; nothing here reads the environment.
"""
