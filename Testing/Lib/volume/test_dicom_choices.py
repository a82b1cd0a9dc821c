"""Several images at the same places in one series: each that can be told from the others is a choice."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset

from CompactSegLib.errors import InputError
from CompactSegLib.volume.reading import read_volume
from Testing.Lib.volume.dicom_files import GRID, an_array, write_multiframe, write_series


def _echo(group: Dataset, number: int) -> None:
    echo = Dataset()
    echo.EffectiveEchoTime = (4.6, 12.5, 120.0)[number]
    group.MREchoSequence = [echo]


def _weighting(group: Dataset, number: int) -> None:
    diffusion = Dataset()
    diffusion.DiffusionBValue = (0.0, 800.0, 1500.0)[number]
    group.MRDiffusionSequence = [diffusion]


def _direction(group: Dataset, number: int) -> None:
    diffusion, direction = Dataset(), Dataset()
    direction.DiffusionGradientOrientation = [[1, 0, 0], [0, 1, 0], [0, 0, 1]][number]
    diffusion.DiffusionBValue = 800.0
    diffusion.DiffusionGradientDirectionSequence = [direction]
    group.MRDiffusionSequence = [diffusion]


def _component(group: Dataset, number: int) -> None:
    kind = Dataset()
    kind.ComplexImageComponent = ("IMAGINARY", "MAGNITUDE", "PHASE")[number]
    group.MRImageFrameTypeSequence = [kind]


def _phase(group: Dataset, number: int) -> None:
    heart = Dataset()
    heart.NominalCardiacTriggerDelayTime = 9.5 * number
    group.CardiacSynchronizationSequence = [heart]


def _time(group: Dataset, number: int) -> None:
    group.FrameContentSequence[0].TemporalPositionIndex = number + 1


def _stack(group: Dataset, number: int) -> None:
    group.FrameContentSequence[0].StackID = str(number + 1)


def _dimension(group: Dataset, number: int) -> None:
    content = group.FrameContentSequence[0]
    content.DimensionIndexValues = [1, content.InStackPositionNumber, number + 1]


def write_images(path, *kinds, **tags):
    """Images at the same places in one object, in a jumbled order of frames."""
    counts = (3,) if len(kinds) == 1 else (2,) * len(kinds)
    images = [*np.ndindex(*counts)]
    chance = np.random.default_rng(0)
    order = chance.permutation([(n, k) for n in range(len(images)) for k in range(6)])
    taken = iter(order)

    def own(_: int, group: Dataset) -> None:
        number, _ = next(taken)
        for kind, value in zip(kinds, images[number], strict=True):
            kind(group, value)

    frames = [(an_array(seed=int(n))[k], GRID, int(k)) for n, k in order]
    write_multiframe(path, frames=frames, own=own, **tags)
    return len(images)


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ([_echo], "EffectiveEchoTime 12.5"),
        ([_weighting], "DiffusionBValue 800.0"),
        ([_direction], "DiffusionGradientOrientation"),
        ([_component], "ComplexImageComponent MAGNITUDE"),
        ([_phase], "NominalCardiacTriggerDelayTime 9.5"),
        ([_time], "TemporalPositionIndex 2"),
        ([_stack], "T1 (MR"),
        ([_dimension], "DimensionIndexValues 3 2"),
        ([_time, _echo], "TemporalPositionIndex 1, EffectiveEchoTime 12.5"),
        ([_stack, _weighting], "DiffusionBValue 800.0"),
        ([_time, _echo, _component], "EffectiveEchoTime 4.6, ComplexImageComponent MAGNITUDE"),
    ],
    ids=lambda value: "-".join(kind.__name__ for kind in value) if isinstance(value, list) else "",
)
def test_images_of_one_object_are_a_choice_as_series_are(tmp_path, kinds, words):
    count = write_images(tmp_path / "several.dcm", *kinds)
    with pytest.raises(InputError, match=f"expected one DICOM series, found {count}") as raised:
        read_volume(tmp_path / "several.dcm")
    lines = str(raised.value).splitlines()[1:]
    assert words in lines[1]
    assert "DICOM" not in lines[1]
    read = [read_volume(tmp_path / "several.dcm", series=f"5-{n}") for n in range(1, count + 1)]
    wanted = {an_array(seed=n).tobytes() for n in range(count)}
    assert {volume.array[0].astype(np.int16).tobytes() for volume in read} == wanted
    assert all(volume.geometry.matches(GRID, tolerance=1e-4) for volume in read)


def test_they_are_in_the_order_of_their_numbers(tmp_path):
    write_images(tmp_path / "several.dcm", _echo)
    for number in range(3):
        volume = read_volume(tmp_path / "several.dcm", series=f"5-{number + 1}")
        np.testing.assert_array_equal(volume.array[0], an_array(seed=number))


@pytest.mark.parametrize(
    ("tag", "values", "words"),
    [
        ("EchoTime", (9.8, 80.0), "EchoTime 80"),
        ("ImageType", (["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"]), "PRIMARY\\P"),
        ("TriggerTime", (0, 100), "TriggerDelayTime 100"),
        ("InversionTime", (700, 2500), "InversionTimes 2500"),
        ("DiffusionBValue", (0.0, 1000.0), "DiffusionBValue 1000"),
    ],
)
def test_images_of_one_series_of_slices_are_a_choice_as_series_are(tmp_path, tag, values, words):
    for number, value in enumerate(values):
        names = [f"{number}-{k}.dcm" for k in range(6)]
        array = an_array(seed=number)
        write_series(tmp_path / "all", uid="1.2.3", array=array, names=names, **{tag: value})
    with pytest.raises(InputError, match="expected one DICOM series, found 2") as raised:
        read_volume(tmp_path / "all")
    assert words in str(raised.value)
    for number in range(2):
        volume = read_volume(tmp_path / "all", series=f"3-{number + 1}")
        np.testing.assert_array_equal(volume.array[0], an_array(seed=number))
        of_a_slice = read_volume(tmp_path / "all" / f"{number}-3.dcm")
        np.testing.assert_array_equal(of_a_slice.array[0], an_array(seed=number))
