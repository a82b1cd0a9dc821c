"""What happens in the middle of a run: cancel, a closed scene, deleted nodes."""

from __future__ import annotations

import pytest

from CompactSegMRML.CompactSegLogic import CompactSegLogic
from Testing.MRML.conftest import MODEL, Heard, add_volume, run, table_node, wait


def start_busy(logic, volume):
    """A run that is computing level 1 of a whole brain, which takes a while."""
    logic.segment(volume, model=MODEL, allLevels=True)
    said = []
    logic.progressed.connect(receive := lambda *arguments: said.append(arguments))
    wait(logic, lambda: any(level >= 1 for level, *_ in said))
    logic.progressed.disconnect(receive)


@pytest.fixture
def brain(warm):
    return add_volume(warm.scene, "template")


def test_cancel_is_taken_at_once_and_leaves_no_half_node(logic, warm, heard, brain):
    nodes = warm.scene.GetNumberOfNodes()
    start_busy(logic, brain)
    logic.cancel()
    assert logic.state == "cancelling"
    wait(logic, lambda: heard.outcomes)
    assert heard.outcomes[0].kind == "cancelled"
    assert logic.results(brain) is None
    assert warm.scene.GetNumberOfNodes() == nodes
    assert logic.state == "ready"


def test_cancel_leaves_finished_levels(logic, heard, volume):
    logic.levelReady.connect(cancel := lambda *_: logic.cancel())
    outcome = run(logic, volume, allLevels=True)
    logic.levelReady.disconnect(cancel)
    assert outcome.kind == "cancelled"
    assert [level.level for level in logic.results(volume).levels] == [1]
    assert table_node(logic.results(volume)).GetTable().GetNumberOfRows() == 1


def test_a_cancelled_second_run_leaves_no_mixture(logic, segmented):
    logic.levelReady.connect(cancel := lambda *_: logic.cancel())
    run(logic, segmented, allLevels=True)
    logic.levelReady.disconnect(cancel)
    assert [level.level for level in logic.results(segmented).levels] == [1]
    assert segmented.GetScene().GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 1


def test_a_second_run_cancelled_before_its_first_level_leaves_the_old_levels(logic, segmented):
    logic.segment(segmented, model=MODEL)
    logic.cancel()
    wait(logic, lambda: logic.run is None)
    assert [level.level for level in logic.results(segmented).levels] == [1, 2, 3]


def test_closing_the_scene_cancels_and_the_next_run_works(logic, warm, heard, brain):
    start_busy(logic, brain)
    warm.scene.Clear(False)
    assert heard.outcomes[0].kind == "cancelled"
    assert heard.outcomes[0].volumeNode is None
    assert "closed" in heard.outcomes[0].sentence
    assert heard.named("resultsChanged")
    assert warm.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    assert run(logic, add_volume(warm.scene), levels=1).kind == "done"


def test_closing_the_scene_lets_the_worker_forget_the_volume(logic, warm, segmented):
    client, sent = logic._client, logic._running.sent
    heard = []
    client.heard.connect(hear := lambda message, _array: heard.append(message))

    def asked_for_level_2_of_what_it_keeps() -> dict:
        heard.clear()
        client.send({"request": "level", "id": "again", "of": sent.request, "level": 2})
        wait(logic, lambda: heard and heard[-1]["event"] in ("done", "error"))
        return heard[-1]

    try:
        assert asked_for_level_2_of_what_it_keeps()["event"] == "done"
        warm.scene.Clear(0)
        assert asked_for_level_2_of_what_it_keeps().get("kind") == "volume-gone"
    finally:
        client.heard.disconnect(hear)


def test_deleting_the_volume_cancels_and_nothing_comes_after(logic, warm, heard, brain):
    start_busy(logic, brain)
    warm.scene.RemoveNode(brain)
    (outcome,) = heard.outcomes
    assert (outcome.kind, outcome.volumeNode) == ("cancelled", None)
    assert "template was deleted" in outcome.sentence
    for _ in range(20):
        logic.poll()
    assert warm.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    assert run(logic, add_volume(warm.scene), levels=1).kind == "done"


def test_deleting_a_level_in_the_middle_harms_nothing(logic, warm, volume):
    def delete(node, level):
        if level == 1:
            warm.scene.RemoveNode(logic.results(node).level(1).segmentationNode)

    logic.levelReady.connect(delete)
    assert run(logic, volume, allLevels=True).kind == "done"
    logic.levelReady.disconnect(delete)
    assert [level.level for level in logic.results(volume).levels] == [2, 3]


def test_closing_the_logic_in_the_middle_releases_the_scene(a_slicer):
    logic = CompactSegLogic(a_slicer.scene)
    heard = Heard(logic)
    volume = add_volume(a_slicer.scene)
    run(logic, volume, levels=1)
    logic.segment(volume, model=MODEL)
    logic.close()
    assert heard.outcomes[-1].kind == "cancelled"
    heard.all.clear()
    observed = [a_slicer.scene, volume, logic.results(volume).level(1).segmentationNode]
    a_slicer.scene.RemoveNode(observed[-1])
    a_slicer.scene.Clear(False)
    logic.poll()
    assert not heard.all


def test_a_second_logic_of_a_reloaded_module_takes_over(a_slicer):
    volume = add_volume(a_slicer.scene)
    first = CompactSegLogic(a_slicer.scene)
    run(first, volume, levels=1)
    first.close()
    second = CompactSegLogic(a_slicer.scene)
    assert second.results(volume).level(1).segmentationNode is not None
    outcomes = []
    second.finished.connect(outcomes.append)
    second.showOrCompute(volume, 2)
    wait(second, lambda: outcomes)
    assert outcomes[0].kind == "done"
    assert [level.level for level in second.results(volume).levels] == [1, 2]
    second.close()
