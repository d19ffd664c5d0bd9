"""The screens that simulated raters sit at."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Device:
    """A screen as a browser describes it; sizes are CSS pixels."""

    screen_width: int
    screen_height: int
    viewport_width: int
    viewport_height: int
    device_pixel_ratio: float
    pointer: str

    def viewport(self) -> dict[str, object]:
        """What goes with every answer."""
        return {
            "viewport_width": self.viewport_width,
            "viewport_height": self.viewport_height,
            "device_pixel_ratio": self.device_pixel_ratio,
        }

    def screen(self) -> dict[str, object]:
        """What the screen check asks for."""
        return {
            "screen_width": self.screen_width,
            "screen_height": self.screen_height,
            **self.viewport(),
            "zoom": 1.0,
            "color_gamut": "srgb",
            "pointer": self.pointer,
            "dark_room": None,
        }


_DEVICES = (
    Device(1920, 1080, 1903, 969, 1.0, "fine"),
    Device(1440, 900, 1425, 789, 2.0, "fine"),
    Device(390, 844, 390, 663, 3.0, "coarse"),
)
_SHARES = (0.45, 0.3, 0.25)


def draw_device(rng: np.random.Generator) -> Device:
    """A desk, a laptop or a phone."""
    return _DEVICES[int(rng.choice(len(_DEVICES), p=_SHARES))]
