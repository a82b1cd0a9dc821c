"""The way to a model's grid: the image that the net sees."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from CompactSegLib.errors import ConfigurationError, InputError
from CompactSegLib.network.slabs import AtATime
from CompactSegLib.volume import resampling
from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.resampling import GridMap
from Testing.Lib.volume.frames import LAYOUTS, geometries, laid_out, layouts, noise, rotation

ORIENTATIONS = ["RAS", "LPS", "SAR", "PIR", "ILA"]
SPACINGS = [(1.0, 1.0, 1.0), (0.7, 1.3, 2.5), (2.0, 0.5, 1.0)]


def the_model(orientation="RAS", spacing_mm=(1.0, 1.0, 1.0)):
    return {"orientation": orientation, "spacing_mm": spacing_mm}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_of_the_48_layouts_gives_the_same_tensor(an_oblique_volume, layout):
    expected = GridMap.between(an_oblique_volume.geometry, **the_model()).prepare(
        an_oblique_volume.array
    )
    copy = laid_out(an_oblique_volume, layout)
    came = GridMap.between(copy.geometry, **the_model()).prepare(copy.array)
    assert torch.equal(came, expected)


@given(geometries(), layouts(), st.sampled_from(ORIENTATIONS), st.sampled_from(SPACINGS))
def test_a_re_oriented_copy_gives_the_same_tensor_in_any_frame(geometry, layout, orientation, mm):
    volume = noise(geometry, channels=2)
    copy = laid_out(volume, layout)
    model = the_model(orientation, mm)
    expected = GridMap.between(geometry, **model).prepare(volume.array)
    assert torch.equal(GridMap.between(copy.geometry, **model).prepare(copy.array), expected)


@pytest.mark.parametrize("degrees", [(0, 0, 45), (45, 0, 0), (0, 45, 0), (0, 0, -135)])
@pytest.mark.parametrize("layout", LAYOUTS[::5])
def test_exactly_between_two_axes_the_layout_does_not_decide(degrees, layout):
    geometry = Geometry((5, 6, 7), (1.0, 1.2, 1.4), direction_lps=tuple(rotation(degrees).ravel()))
    volume = noise(geometry)
    copy = laid_out(volume, layout)
    expected = GridMap.between(geometry, **the_model()).prepare(volume.array)
    assert torch.equal(GridMap.between(copy.geometry, **the_model()).prepare(copy.array), expected)


def test_axes_run_where_the_orientation_says():
    """In LPS memory order, RAS is reached by flipping rows and columns."""
    volume = noise(Geometry((4, 5, 6), (1.0, 1.0, 1.0)))
    grid = GridMap.between(volume.geometry, **the_model("RAS"))
    expected = volume.array[:, :, ::-1, ::-1].copy()
    np.testing.assert_array_equal(grid.prepare(volume.array).numpy(), expected)

    sagittal = GridMap.between(volume.geometry, **the_model("PSL"))
    expected = volume.array.transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(sagittal.prepare(volume.array).numpy(), expected)
    assert sagittal.model_shape == (4, 6, 5)


@given(geometries(), st.sampled_from(ORIENTATIONS))
def test_at_the_models_own_spacing_nothing_is_changed(geometry, orientation):
    grid = GridMap.between(
        geometry,
        orientation=orientation,
        spacing_mm=_spacing_of(geometry, orientation, by=1.0005),
    )
    assert not grid.resamples
    assert grid.model_shape == grid.oriented_shape
    volume = noise(geometry)
    prepared = grid.prepare(volume.array)[0].numpy()
    numbers = np.arange(volume.array.size, dtype=np.float32).reshape(volume.array.shape)
    places = grid.prepare(numbers)[0].numpy().astype(int)
    np.testing.assert_array_equal(prepared, volume.array.ravel()[places])
    assert sorted(places.ravel()) == list(range(volume.array.size))


@pytest.mark.parametrize(
    "pixel_type", ["u1", "i1", "u2", "i2", "u4", "i4", "i8", "u8", "f4", "f8", ">i2", ">f4"]
)
def test_every_pixel_type_is_read(pixel_type):
    geometry = Geometry((4, 5, 6), (1.0, 1.0, 1.0))
    array = np.random.default_rng(0).integers(0, 100, (1, 6, 5, 4)).astype(pixel_type)
    array.flags.writeable = False
    prepared = GridMap.between(geometry, **the_model("LPS")).prepare(array)
    assert prepared.dtype == torch.float32
    assert prepared.is_contiguous()
    np.testing.assert_array_equal(prepared.numpy(), array.astype(np.float32))


def test_a_view_with_negative_strides_is_read():
    array = np.arange(120.0).reshape(1, 6, 5, 4)
    grid = GridMap.between(Geometry((4, 5, 6), (1.0, 1.0, 1.0)), **the_model("LPS"))
    np.testing.assert_array_equal(grid.prepare(array[:, ::-1]).numpy(), array[:, ::-1])


@given(geometries(), st.sampled_from(SPACINGS), st.integers(1, 4000))
def test_the_size_of_the_slabs_does_not_matter(geometry, mm, slab_bytes):
    volume = noise(geometry, channels=2)
    grid = GridMap.between(geometry, **the_model(spacing_mm=mm))
    expected = grid.prepare(volume.array)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resampling, "SLAB_BYTES", AtATime(slab_bytes, 0))
        assert torch.equal(grid.prepare(volume.array), expected)


def test_a_finer_grid_is_torchs_linear_interpolation():
    volume = noise(Geometry((6, 7, 8), (1.0, 1.0, 1.0)))
    grid = GridMap.between(volume.geometry, **the_model("LPS", (0.5, 0.5, 0.25)))
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(volume.array)[None], size=grid.model_shape, mode="trilinear"
    )[0]
    torch.testing.assert_close(grid.prepare(volume.array), expected, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("coarser", [2.0, 3.0, 1.6])
def test_a_coarser_grid_is_torchs_antialiased_interpolation(coarser):
    """Torch has it in 2D only, so the slices are taken 1:1."""
    volume = noise(Geometry((24, 48, 3), (1.0, 1.0, 1.0)))
    grid = GridMap.between(volume.geometry, **the_model("LPS", (coarser, coarser, 1.0)))
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(volume.array[0])[None],
        size=grid.model_shape[1:],
        mode="bilinear",
        antialias=True,
    )
    torch.testing.assert_close(grid.prepare(volume.array), expected, rtol=1e-4, atol=1e-2)


@given(geometries(), st.sampled_from(SPACINGS))
def test_a_constant_stays_constant(geometry, mm):
    array = np.full((1, *geometry.shape_kji), 7.0, np.float32)
    prepared = GridMap.between(geometry, **the_model(spacing_mm=mm)).prepare(array)
    torch.testing.assert_close(prepared, torch.full_like(prepared, 7.0))


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_coarser_by_a_whole_factor_the_mean_stays_and_a_checkerboard_vanishes(factor):
    geometry = Geometry((24, 24, 24), (1.0, 1.0, 1.0))
    grid = GridMap.between(geometry, **the_model(spacing_mm=(float(factor),) * 3))
    image = np.zeros((1, 24, 24, 24), np.float32)
    image[:, 8:16, 8:16, 8:16] = np.random.default_rng(0).random((8, 8, 8))
    prepared = grid.prepare(image)
    assert float(prepared.mean()) == pytest.approx(float(image.mean()), rel=1e-5)

    checkerboard = (np.indices((24, 24, 24)).sum(axis=0)[None] % 2).astype(np.float32)
    inside = grid.prepare(checkerboard)[0, 1:-1, 1:-1, 1:-1]
    torch.testing.assert_close(inside, torch.full_like(inside, 0.5), rtol=0, atol=0.02)


def test_a_linear_ramp_stays_where_it_is_in_the_patient():
    """Each model voxel has the ramp's value at its own place, up to a ripple of 0.03 mm.

    The ripple is the triangle's, where the ratio of spacings is not whole (also Pillow's and torch's).
    """
    geometry = Geometry((20, 20, 20), (1.0, 1.5, 0.8))
    ramp = np.broadcast_to(0.8 * np.arange(20.0)[:, None, None], (20, 20, 20))
    grid = GridMap.between(geometry, **the_model("LPS", (2.0, 1.0, 1.1)))
    prepared = grid.prepare(ramp[None].astype(np.float32))[0, :, 0, 0].numpy()
    # Edges are shared: the first edge is half a voxel before the first centre.
    expected = (np.arange(grid.model_shape[0]) + 0.5) * 1.1 - 0.5 * 0.8
    np.testing.assert_allclose(prepared[2:-2], expected[2:-2], atol=0.03)


def test_what_no_model_can_mean_is_refused():
    geometry = Geometry((4, 4, 4), (1.0, 1.0, 1.0))
    with pytest.raises(ConfigurationError, match="orientation"):
        GridMap.between(geometry, orientation="XYZ", spacing_mm=(1, 1, 1))
    with pytest.raises(ConfigurationError, match="spacing: expected three lengths above 0 mm"):
        GridMap.between(geometry, orientation="RAS", spacing_mm=(1, 0, 1))
    with pytest.raises(InputError, match="check the spacing in its header"):
        GridMap.between(
            Geometry((999, 999, 999), (10.0, 10.0, 10.0)),
            orientation="RAS",
            spacing_mm=(1, 1, 1),
        )


def _spacing_of(geometry: Geometry, orientation: str, *, by: float) -> tuple[float, ...]:
    axes = {"R": 0, "L": 0, "A": 1, "P": 1, "S": 2, "I": 2}
    nearest, _ = geometry.nearest_axes()
    return tuple(geometry.spacing_mm[nearest[axes[letter]]] * by for letter in orientation)
