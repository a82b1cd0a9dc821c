"""The desktop by itself: a module opens in it, views show real images, and hands reach the widgets."""

from __future__ import annotations

import numpy as np


def test_a_volume_is_shown_in_the_slice_views(desktop):
    desktop.load()
    for name in ("Red", "Green", "Yellow"):
        image = desktop.shown_image(name)
        assert image.std() > 20, name
        assert np.ptp(image.max(axis=2).astype(int)) > 150


def test_look(desktop):
    desktop.open()
    desktop.load()
    with desktop.watch() as pauses:
        desktop.wait(0.3)
    print(pauses.longest_ms, pauses.ticks)
    print(desktop.screenshot("look"))
