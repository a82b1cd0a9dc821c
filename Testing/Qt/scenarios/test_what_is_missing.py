"""No torch in a worker, no models, no worker, no volume: the sentence that helps."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import slicer

import CompactSegLib

NO_TORCH = (
    "import sys; sys.modules['torch'] = None; sys.path.insert(0, {root!r}); "
    "from CompactSegLib.serve.worker import run_worker; run_worker()"
)


@pytest.fixture
def a_worker_command(request):
    """What starts a worker that lacks torch."""
    from pathlib import Path

    code = NO_TORCH.format(root=str(Path(__file__).resolve().parents[3]))
    return f'"{sys.executable}" -c "{code}"'


def set_command(driver, desktop, command):
    if driver.ui.advancedButton.collapsed:
        driver.click(driver.ui.advancedButton)
    desktop.type(driver.ui.workerCommandEdit, command or " ")


def test_a_worker_without_torch_says_what_to_install(driver, desktop, a_worker_command):
    driver.choosing(driver.load("small"))
    set_command(driver, desktop, a_worker_command)
    driver.waitUntil(lambda: driver.logic.problemKind == "torch", "the worker to say so")
    assert "PyTorch" in driver.ui.noticeText.text
    assert driver.ui.noticeButton.visible
    set_command(driver, desktop, "")
    driver.waitUntil(lambda: driver.logic.problem is None, "the default worker")
    assert driver.segment().kind == "done"


def test_a_command_that_starts_nothing_is_a_sentence_and_can_be_mended(driver, desktop):
    driver.choosing(driver.load("small"))
    set_command(driver, desktop, "no-such-program worker")
    driver.waitUntil(lambda: driver.logic.problem is not None, "the sentence")
    assert "no-such-program" in driver.ui.noticeText.text
    assert "Traceback" not in driver.ui.noticeText.text
    set_command(driver, desktop, "")
    driver.waitUntil(lambda: not driver.ui.noticeFrame.visible, "the default worker")
    assert driver.segment().kind == "done"


def test_the_test_button_says_what_answers_or_why_nothing_does(driver, desktop):
    driver.click(driver.ui.advancedButton)
    assert not driver.ui.workerText.visible
    driver.click(driver.ui.testWorkerButton)
    driver.waitUntil(lambda: "answers" in driver.ui.workerText.text, "the sentence")
    for part in (f"CompactSeg {CompactSegLib.__version__}", "PyTorch 2", "processor", "brain-mr"):
        assert part in driver.ui.workerText.text
    set_command(driver, desktop, "no-such-program worker")
    driver.click(driver.ui.testWorkerButton)
    driver.waitUntil(lambda: "no-such-program" in driver.ui.workerText.text, "the reason")
    set_command(driver, desktop, "")


def test_without_models_segment_says_why(driver, desktop, tmp_path):
    driver.choosing(driver.load("small"))
    set_command(driver, desktop, f'"{sys.executable}" -c "{WITHOUT_MODELS}"')
    driver.waitUntil(lambda: "No models were found" in driver.ui.noticeText.text, "the sentence")
    assert not driver.ui.segmentButton.enabled
    assert driver.ui.segmentButton.toolTip in driver.ui.noticeText.text


WITHOUT_MODELS = (
    "import CompactSegLib.serve.events as e; e.list_models = lambda **_: []; "
    "from CompactSegLib.serve.worker import run_worker; run_worker()"
)


def test_without_a_volume_the_panel_leads_to_sample_data_where_mrhead_is_listed(driver, desktop):
    import SampleData

    driver.waitUntil(lambda: driver.ui.noticeButton.visible, "the advice")
    assert "Load an image" in driver.ui.noticeText.text
    driver.click(driver.ui.noticeButton)
    assert slicer.util.moduleSelector().selectedModule == "SampleData"
    sources = SampleData.SampleDataLogic.sampleDataSourcesByCategory("CompactSeg")
    assert len(sources) == 2, "one for each model that ships"
    for source in sources:
        assert source.sampleName.startswith("MRHead")
        assert "SHA256:" in str(source.checksums)
        assert Path(source.thumbnailFileName).is_file()
