"""What a session keeps and frees, in this process."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest

from CompactSegLib.errors import Cancelled
from CompactSegLib.serve.requests import LevelRequest, SegmentRequest
from CompactSegLib.serve.session import Session


def request_for(volume, model, request: str, **options) -> SegmentRequest:
    matrix = volume.geometry.ijk_to_ras
    return SegmentRequest(request, volume.array, matrix, str(model.folder), **options)


def nothing(*_: object) -> None:
    pass


def test_another_volume_frees_the_maps_of_the_last(the_tiny_model, an_oblique_volume):
    session = Session()
    first = request_for(an_oblique_volume, the_tiny_model, "a", levels=1)
    session.segment(first, tell=nothing, cancel=lambda: False)
    old, segmenter = weakref.ref(session._run), session._segmenter
    seen = []

    def tell(event, array):
        gc.collect()
        seen.append(old() is None)

    second = request_for(an_oblique_volume, the_tiny_model, "b", levels=1)
    session.segment(second, tell=tell, cancel=lambda: False)
    assert seen
    assert all(seen)
    assert session._segmenter is segmenter


def test_after_cancelling_the_finished_levels_cost_nothing(the_tiny_model, an_oblique_volume):
    session, events = Session(), []

    def tell(event, array=None):
        events.append(event)

    with pytest.raises(Cancelled):
        session.segment(
            request_for(an_oblique_volume, the_tiny_model, "a", all_levels=True),
            tell=tell,
            cancel=lambda: any(event["event"] == "level" for event in events),
        )
    done = session.level(LevelRequest("b", "a", 2), tell=tell, cancel=lambda: False)
    assert done["blocks_run"] == 1


def test_a_model_that_was_replaced_is_read_again(write_tiny_model, tmp_path, an_oblique_volume):
    session = Session()
    model = write_tiny_model(tmp_path / "changing")
    for _ in range(2):
        session.segment(
            request_for(an_oblique_volume, model, "a", levels=1), tell=nothing, cancel=lambda: False
        )
        segmenter = session._segmenter
    model = write_tiny_model(tmp_path / "changing", title="Another title")
    session.segment(
        request_for(an_oblique_volume, model, "b", levels=1), tell=nothing, cancel=lambda: False
    )
    assert session._segmenter is not segmenter
    assert session._segmenter.model.title == "Another title"


def test_what_is_unlike_the_model_is_told_with_each_level(the_tiny_model, an_oblique_volume):
    events = []
    flat = replace(an_oblique_volume, array=np.zeros_like(an_oblique_volume.array))
    request = request_for(flat, the_tiny_model, "a", name="flat", all_levels=True)
    Session().segment(request, tell=lambda event, _: events.append(event), cancel=lambda: False)
    told = [event["messages"] for event in events if event["event"] == "level"]
    assert len(told) == 3
    for why, finding in told:
        assert why.startswith("flat: expected an image, but all voxels have the value 0.0")
        assert finding.startswith("Nothing was found: all voxels of flat are alike")


def test_options_reach_the_engine(the_tiny_model, an_oblique_volume):
    session, labels = Session(), []
    options = {"precision": "fp32", "tile": 8, "kept_bytes": 0, "levels": 2, "all_levels": True}
    done = session.segment(
        request_for(an_oblique_volume, the_tiny_model, "a", **options),
        tell=lambda *event_and_array: labels.append(event_and_array[-1]),
        cancel=lambda: False,
    )
    assert done["blocks_run"] == 2 + 3  # nothing may be kept, so level 2 begins anew
    assert session._segmenter.tile == 8
    assert session._segmenter.runtime.precision == "fp32"
    assert np.any(labels[-1])


def test_at_rest_a_device_that_was_left_gets_its_memory_back_too(
    the_tiny_model, an_oblique_volume, monkeypatch
):
    released = []
    monkeypatch.setattr(
        "CompactSegLib.inference.devices.release_cached",
        lambda device: released.append(device.type),
    )
    session = Session()
    session.rest()  # torch may not even be there
    assert released == []
    request = request_for(an_oblique_volume, the_tiny_model, "a", levels=1, device="cpu")
    session.segment(request, tell=nothing, cancel=lambda: False)
    released.clear()
    session.rest()
    assert released == ["cuda", "mps"]
