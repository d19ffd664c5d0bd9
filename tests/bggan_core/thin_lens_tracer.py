"""A brute-force thin lens to check the layered renderer by: every pixel's light is the mean over rays traced through
the aperture to the first opaque plane. Slow, plain, and free of layers, kernels and filling.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from bggan_core.optics import Aperture, Array


@dataclass(frozen=True)
class Plane:
    """A textured plane facing the lens: linear light [H, W, 3], opacity [H, W] in {0, 1}, and its disparity."""

    light: Array
    opacity: Array
    disparity: float


def trace(planes: list[Plane], *, aperture_px: float, focus: float, rays: int, rng: np.random.Generator) -> Array:
    """Photograph planes, nearest first, through a round aperture: linear light [H, W, 3].

    A ray through the point u of the unit aperture that forms pixel x meets the plane at disparity d in the point that
    the pinhole sees at x + a (d - f) u: by similar triangles, a point away from the focal plane moves over the sensor
    in proportion to u and to its defocus.
    """
    height, width = planes[0].opacity.shape
    total = np.zeros((height, width, 3), np.float64)
    for u in _points_of_the_disc(rays, rng):
        light, free = np.zeros((height, width, 3), np.float32), np.ones((height, width), np.float32)
        for plane in planes:
            shift = aperture_px * (plane.disparity - focus) * u
            seen = _shifted(np.dstack([plane.light, plane.opacity]), shift)
            light += (free * seen[..., 3])[..., None] * seen[..., :3]
            free *= 1.0 - seen[..., 3]
        total += light
    return (total / rays).astype(np.float32)


def pinhole(planes: list[Plane]) -> tuple[Array, Array]:
    """What a pinhole sees: linear light [H, W, 3] and disparity [H, W]."""
    light, disparity = np.zeros_like(planes[-1].light), np.zeros_like(planes[-1].opacity)
    for plane in reversed(planes):
        opacity = plane.opacity
        light = opacity[..., None] * plane.light + (1.0 - opacity[..., None]) * light
        disparity = np.where(opacity > 0.5, np.float32(plane.disparity), disparity)
    return light, disparity


def scatter(kernel_of: Aperture, *, radius_px: float, rays: int, rng: np.random.Generator, side: int) -> Array:
    """Where rays from one point land: a histogram of the aperture's points, summing to 1, [side, side]."""
    points = _points_of_the_disc(rays, rng) * radius_px
    if kernel_of.blades:
        normals = np.deg2rad(kernel_of.rotation_deg) + 2 * np.pi * np.arange(kernel_of.blades) / kernel_of.blades
        along = points @ np.stack([np.cos(normals), np.sin(normals)])
        points = points[(along <= radius_px * np.cos(np.pi / kernel_of.blades)).all(axis=1)]
    edges = np.arange(side + 1) - side / 2
    counts, _, _ = np.histogram2d(points[:, 1], points[:, 0], bins=(edges, edges))
    return (counts / counts.sum()).astype(np.float32)


def _points_of_the_disc(count: int, rng: np.random.Generator) -> Array:
    """Points spread evenly over the unit disc, [count, 2]."""
    radius, angle = np.sqrt(rng.random(count)), 2 * np.pi * rng.random(count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype(np.float32)


def _shifted(image: Array, shift: Array) -> Array:
    height, width = image.shape[:2]
    matrix = np.array([[1, 0, -shift[0]], [0, 1, -shift[1]]], np.float32)
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
