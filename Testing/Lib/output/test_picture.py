"""The picture of the levels, read back as pixels."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from CompactSegLib import Geometry, Label, Level, OutputError, Volume
from CompactSegLib.output import picture
from CompactSegLib.output.picture import draw_levels

pytestmark = pytest.mark.slow

LABELS = (Label(1, "Front", (255, 0, 0)), Label(2, "Back $x$ [old] 海馬", (0, 0, 255)))


def level(number: int, labels: np.ndarray, names=LABELS) -> Level:
    return Level(
        number=number,
        labels=labels,
        geometry=Geometry(labels.shape[::-1], (1, 1, 1)),
        structures=tuple(names),
        improvement=None if number == 1 else 0.1,
        improvement_by_label={},
        seconds=0.5,
        millilitres={label.name: float((labels == label.value).sum()) for label in names},
        parameters=10,
        macs_per_voxel=1.0,
        stop_reason="it was enough",
    )


@pytest.fixture
def two_levels(an_oblique_volume: Volume) -> list[Level]:
    """A box of two structures that gains a slab at level 2."""
    first = np.zeros(an_oblique_volume.shape_kji, np.uint8)
    first[6:11, 6:13, 6:11] = 1
    first[6:11, 6:13, 11:16] = 2
    second = first.copy()
    second[6:11, 13:16, 6:11] = 1
    return [level(1, first), level(2, second)]


def pixels(path: Path) -> np.ndarray:
    return imread(path)[..., :3]


def panel_column(picture: np.ndarray, column: int) -> np.ndarray:
    """The pixels of one column of panels, without what is above and below."""
    left = int((1.0 + column * 2.42) * 150)
    return picture[int(0.96 * 150) : int(3.5 * 150), left + 3 : left + 345]


def share_of_colour(pixels_: np.ndarray) -> float:
    return float((np.ptp(pixels_, axis=-1) > 0.1).mean())


def test_the_image_is_grey_and_the_levels_are_coloured(
    an_oblique_volume, two_levels, tmp_path: Path
):
    draw_levels(an_oblique_volume, two_levels, labels=LABELS, path=tmp_path / "a.png")
    picture = pixels(tmp_path / "a.png")
    assert share_of_colour(panel_column(picture, 0)) == 0
    assert share_of_colour(panel_column(picture, 1)) > 0.05
    assert share_of_colour(panel_column(picture, 2)) > share_of_colour(panel_column(picture, 1))


def test_only_what_changed_is_outlined(an_oblique_volume, two_levels, tmp_path: Path):
    same = [two_levels[0], level(2, two_levels[0].labels)]
    draw_levels(an_oblique_volume, two_levels, labels=LABELS, path=tmp_path / "changed.png")
    draw_levels(an_oblique_volume, same, labels=LABELS, path=tmp_path / "same.png")
    white = [
        int((panel_column(pixels(tmp_path / name), 2).min(axis=-1) > 0.995).sum())
        for name in ("same.png", "changed.png")
    ]
    assert white[1] > white[0] + 200


def test_the_same_run_gives_the_same_pixels(an_oblique_volume, two_levels, tmp_path: Path):
    for name in ("a.png", "b.png"):
        draw_levels(an_oblique_volume, two_levels, labels=LABELS, path=tmp_path / name)
    assert np.array_equal(pixels(tmp_path / "a.png"), pixels(tmp_path / "b.png"))


def test_what_is_zoomed_to_is_seen_whole_and_undistorted(tmp_path: Path):
    labels = np.zeros((40, 100, 70), np.uint8)
    labels[10:22, 20:60, 8:62] = 1  # 54 mm to the left, 40 mm back, 12 mm up
    volume = Volume(np.zeros((1, *labels.shape), np.int16), Geometry(labels.shape[::-1], (1, 1, 1)))
    draw_levels(volume, [level(1, labels)], labels=LABELS, path=tmp_path / "a.png")
    picture = pixels(tmp_path / "a.png")
    column = picture[: -int(1.5 * 150), int(3.42 * 150) : int(5.77 * 150)]
    red = column[..., 0] - column[..., 1] > 0.2
    rows = np.flatnonzero(np.diff(np.pad(red.any(axis=1), 1).astype(int)))
    seen = []
    for top, bottom in rows.reshape(-1, 2):
        across = np.flatnonzero(red[top:bottom].any(axis=0))
        assert across[0] > 5
        assert across[-1] < column.shape[1] - 5
        seen.append((across[-1] - across[0], bottom - top))
    mm = [(54, 40), (54, 12), (40, 12)]
    scale = seen[0][0] / 54
    assert np.allclose(seen, np.multiply(mm, scale), atol=3)


def test_white_matter_is_told_from_a_white_image_and_from_what_changed(tmp_path: Path):
    labels = np.zeros((30, 30, 30), np.uint8)
    labels[5:25, 5:25, 5:25] = 1
    white = (Label(1, "White matter", (245, 245, 245)),)
    volume = Volume(np.ones((1, *labels.shape), np.int16), Geometry(labels.shape[::-1], (1, 1, 1)))
    draw_levels(volume, [level(1, labels, white)], labels=white, path=tmp_path / "a.png")
    assert share_of_colour(panel_column(pixels(tmp_path / "a.png"), 1)) > 0.1


def test_what_the_run_noticed_stands_below_the_table(an_oblique_volume, two_levels, tmp_path: Path):
    told = replace(two_levels[1], messages=("Nothing was found; check the image.", "x " * 9999))
    draw_levels(an_oblique_volume, two_levels, labels=LABELS, path=tmp_path / "a.png")
    draw_levels(an_oblique_volume, [two_levels[0], told], labels=LABELS, path=tmp_path / "told.png")
    plain, noted = pixels(tmp_path / "a.png"), pixels(tmp_path / "told.png")
    assert 0 < len(noted) - len(plain) < 200
    assert np.array_equal(noted[: len(plain) - 60], plain[:-60])
    assert noted[len(plain) - 30 :].max() > 0.9


def test_a_structure_that_only_an_earlier_level_has_is_in_the_table(
    an_oblique_volume, tmp_path: Path, monkeypatch
):
    many = tuple(Label(value, f"Structure {value}", (0, 0, 255)) for value in range(1, 30))
    found = np.zeros(an_oblique_volume.shape_kji, np.uint8)
    found[6:11, 6:13, 6:11] = 29
    levels = [level(1, found, many), level(2, np.zeros_like(found), many)]
    written = []
    write = picture._Page.write
    monkeypatch.setattr(
        picture._Page,
        "write",
        lambda page, x, y, text, **how: [written.append(text), write(page, x, y, text, **how)],
    )
    draw_levels(an_oblique_volume, levels, labels=many, path=tmp_path / "a.png")
    assert "Structure 29" in written


def test_nothing_found(an_oblique_volume, tmp_path: Path):
    empty = level(1, np.zeros(an_oblique_volume.shape_kji, np.uint8))
    draw_levels(an_oblique_volume, [empty], labels=LABELS, path=tmp_path / "a.png")
    assert share_of_colour(panel_column(pixels(tmp_path / "a.png"), 1)) == 0


def test_more_structures_than_fit(an_oblique_volume, tmp_path: Path):
    many = tuple(Label(value, f"Structure {value}", (value, 0, 255)) for value in range(1, 60))
    labels = np.random.default_rng(0).integers(0, 60, an_oblique_volume.shape_kji).astype(np.uint8)
    draw_levels(an_oblique_volume, [level(1, labels, many)], labels=many, path=tmp_path / "a.png")
    height, width, _ = pixels(tmp_path / "a.png").shape
    assert height < 2500
    assert width < 1200


def test_an_image_without_contrast_where_it_is_shown(an_oblique_volume, two_levels, tmp_path: Path):
    flat = np.zeros_like(an_oblique_volume.array)
    flat[0, 0, 0, 0] = 1e6
    volume = Volume(flat, an_oblique_volume.geometry)
    draw_levels(volume, two_levels, labels=LABELS, path=tmp_path / "a.png")
    assert pixels(tmp_path / "a.png").std() > 0


def test_a_picture_that_cannot_be_written_leaves_nothing(
    an_oblique_volume, two_levels, tmp_path: Path
):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        draw_levels(an_oblique_volume, two_levels, labels=LABELS, path=tmp_path / "file" / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_drawing_touches_no_global_state_of_matplotlib():
    code = (
        "import sys, CompactSegLib.output.picture\n"
        "assert 'matplotlib' not in sys.modules\n"
        "from matplotlib.backends.backend_agg import FigureCanvasAgg\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    source = Path(sys.modules[draw_levels.__module__].__file__ or "").read_text(encoding="utf-8")
    assert "pyplot" not in source
