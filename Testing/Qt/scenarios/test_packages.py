"""What the worker needs is installed when the user says so: asked once, told while it lasts, and why it failed."""

from __future__ import annotations

import sys

import pytest
import slicer


def restart_is_offered(driver, desktop):
    """By the notice's button, which asks first: what is not saved would be lost."""
    assert driver.ui.noticeButton.text == "Restart Slicer"
    for answer, restarts in (("Cancel", 0), ("OK", 1)):
        desktop.dialogs.answer(answer)
        driver.click(driver.ui.noticeButton)
        assert "not saved" in desktop.dialogs.take().text
        assert slicer.app._restarts == restarts


class TestPackages:
    @pytest.fixture
    def nothing_installed(self, desktop, monkeypatch):
        """Slicer's Python as it is at first; what is installed there the stand-in of pip knows."""
        import importlib.metadata

        version = importlib.metadata.version

        def known(name):
            if name in ("torch", "psutil", "safetensors") and name not in desktop.pip.installed:
                raise importlib.metadata.PackageNotFoundError(name)
            return version(name)

        desktop.pip.installed.clear()
        monkeypatch.setattr(importlib.metadata, "version", known)

    def test_nothing_is_asked_before_the_first_click(self, driver, desktop, nothing_installed):
        driver.choosing(driver.load("small"))
        driver.ready()
        assert not desktop.dialogs.seen
        assert not desktop.pip.calls

    def test_install_installs_and_segments(self, driver, desktop, nothing_installed):
        volume = driver.choosing(driver.load("small"))
        driver.ready()
        desktop.dialogs.answer("Install")
        assert driver.segment().kind == "done"
        assert driver.levels(volume) == [1, 2, 3]
        asked = desktop.dialogs.take()
        assert "PyTorch" in asked.text
        assert {"torch", "psutil", "safetensors"} <= set(desktop.pip.installed)

    def test_not_now_leaves_reading(self, driver, desktop, nothing_installed):
        driver.choosing(driver.load("small"))
        driver.ready()
        desktop.dialogs.answer("Not now")
        driver.click(driver.ui.segmentButton)
        assert driver.logic.run is None
        assert not desktop.pip.calls
        assert driver.ui.segmentButton.enabled, "to be asked again by the next click"
        assert "compared, edited" in driver.ui.noticeText.text
        assert driver.ui.noticeButton.text == "Install…"
        desktop.dialogs.answer("Install")
        driver.click(driver.ui.noticeButton)
        driver.waitUntil(lambda: not driver.ui.noticeFrame.visible, "the notice to go")
        assert "torch" in desktop.pip.installed

    def test_results_are_read_without_packages(self, driver, desktop, request):
        volume = driver.choosing(driver.load("small"))
        driver.segment()
        request.getfixturevalue("nothing_installed")
        driver.slide(driver.ui.levelSlider, 1)
        assert driver.visibleLevels(volume) == [1]
        driver.click(driver.ui.compareButton)
        assert driver.logic.comparison is not None
        driver.click(driver.ui.compareButton)
        driver.click(driver.ui.editButton)
        assert not desktop.dialogs.seen

    def test_not_now_is_forgotten_when_packages_came_otherwise(
        self, driver, desktop, nothing_installed
    ):
        driver.choosing(driver.load("small"))
        driver.ready()
        desktop.dialogs.answer("Not now")
        driver.click(driver.ui.segmentButton)
        assert driver.ui.noticeButton.text == "Install…"
        desktop.pip.installed |= {"torch", "psutil", "safetensors"}
        driver.widget.panel.refresh()
        assert not driver.ui.noticeFrame.visible, driver.ui.noticeText.text

    def test_a_second_click_while_pip_runs_installs_nothing(
        self, driver, desktop, nothing_installed, monkeypatch
    ):
        driver.choosing(driver.load("small"))
        driver.ready()
        said = []

        def clicked_meanwhile(install):
            def pip(*arguments, **options):
                desktop.wait(0.02)  # as Slicer handles events while pip runs
                driver.widget.panel.refresh()
                said.append((driver.ui.noticeText.text, driver.ui.segmentButton.enabled))
                driver.widget.panel.actions.segment()
                return install(*arguments, **options)

            return pip

        monkeypatch.setattr(desktop.pip, "install", clicked_meanwhile(desktop.pip.install))
        desktop.dialogs.answer("Install")
        assert driver.segment().kind == "done"
        assert len(desktop.dialogs.seen) == 1, "one question"
        assert len(desktop.pip.calls) == 2, "the requirements and PyTorch, once each"
        for notice, isEnabled in said:
            assert "is being installed" in notice
            assert not isEnabled

    def test_no_worker_runs_while_something_is_installed(
        self, driver, desktop, nothing_installed, monkeypatch
    ):
        """It may have loaded what is replaced, and Windows replaces no such file."""
        driver.choosing(driver.load("small"))
        driver.ready()
        workers, install = [], desktop.pip.install

        def look_and_install(*arguments, **options):
            driver.widget.panel.enter()
            workers.append(driver.logic.workerProcessId)
            return install(*arguments, **options)

        monkeypatch.setattr(desktop.pip, "install", look_and_install)
        desktop.dialogs.answer("Install")
        assert driver.segment().kind == "done"
        assert set(workers) == {None}

    def test_a_pytorch_that_works_is_not_replaced_and_one_that_does_not_is_named(
        self, driver, desktop, nothing_installed, monkeypatch
    ):
        import importlib.metadata

        known = importlib.metadata.version
        versions = {"torch": "2.9.1"}
        monkeypatch.setattr(
            importlib.metadata, "version", lambda name: versions.get(name) or known(name)
        )
        desktop.pip.installed |= {"psutil", "safetensors"}
        driver.choosing(driver.load("small"))
        assert driver.segment().kind == "done"
        assert not desktop.dialogs.seen
        versions["torch"] = "1.13"
        desktop.dialogs.answer("Not now")
        driver.click(driver.ui.segmentButton)
        assert "PyTorch 1.13 is there, which is too old, and will be replaced" in (
            desktop.dialogs.take().text
        )

    def test_files_in_use_are_no_fault_of_the_network(
        self, driver, desktop, nothing_installed, monkeypatch
    ):
        def fail(*_arguments, **_options):
            raise RuntimeError("[WinError 5] Access is denied: 'torch_cpu.dll'")

        driver.choosing(driver.load("small"))
        driver.ready()
        monkeypatch.setattr(desktop.pip, "install", fail)
        desktop.dialogs.answer("Install")
        desktop.dialogs.answer("OK")
        driver.click(driver.ui.segmentButton)
        desktop.dialogs.take()
        failure = desktop.dialogs.take()
        assert "files of an older version are in use" in failure.text
        assert "Restart Slicer" in failure.text
        assert "internet" not in failure.text
        assert driver.ui.noticeText.text == failure.text
        restart_is_offered(driver, desktop)

    @pytest.mark.parametrize("error", [ImportError, OSError])
    def test_a_pytorch_that_slicers_own_process_can_not_load_is_installed_all_the_same(
        self, driver, desktop, nothing_installed, monkeypatch, error
    ):
        """PyTorchUtils imports what it installed; the worker is another process."""
        install = desktop.pip.install

        def and_import(function, requirements, **options):
            install(function, requirements, **options)
            if function == "installTorch":
                raise error("DLL load failed: c10.dll")

        monkeypatch.setattr(desktop.pip, "install", and_import)
        driver.choosing(driver.load("small"))
        driver.ready()
        desktop.dialogs.answer("Install")
        assert driver.segment().kind == "done"
        assert len(desktop.dialogs.seen) == 1, "the question"

    def test_what_an_interrupted_installation_left_is_installed_anew(
        self, driver, desktop, nothing_installed, monkeypatch
    ):
        """A folder of PyTorch's without its METADATA: then its version is None."""
        import importlib.metadata

        known = importlib.metadata.version

        def version(name):
            isLeft = name == "torch" and name not in desktop.pip.installed
            return None if isLeft else known(name)

        monkeypatch.setattr(importlib.metadata, "version", version)
        driver.choosing(driver.load("small"))
        driver.ready()
        desktop.dialogs.answer("Install")
        assert driver.segment().kind == "done"
        assert "too old" not in desktop.dialogs.take().text

    def test_a_pytorch_that_slicer_had_loaded_and_that_was_replaced_asks_for_a_restart(
        self, driver, desktop, nothing_installed, monkeypatch
    ):
        import importlib.metadata

        known, versions = importlib.metadata.version, {"torch": "1.13"}
        install = desktop.pip.install

        def replace(function, requirements, **options):
            versions["torch"] = "2.8"
            return install(function, requirements, **options)

        monkeypatch.setattr(
            importlib.metadata, "version", lambda name: versions.get(name) or known(name)
        )
        monkeypatch.setattr(desktop.pip, "install", replace)
        monkeypatch.setitem(sys.modules, "torch", sys)  # any module: somebody imported it
        driver.choosing(driver.load("small"))
        driver.ready()
        desktop.dialogs.answer("Install")
        assert driver.segment().kind == "done"
        desktop.dialogs.take()
        assert "PyTorch 1.13 was replaced while another module" in driver.ui.noticeText.text
        restart_is_offered(driver, desktop)

    def test_an_installation_that_fails_is_told(self, driver, desktop, nothing_installed):
        driver.choosing(driver.load("small"))
        driver.ready()
        desktop.pip.answer = "fail"
        desktop.dialogs.answer("Install")
        desktop.dialogs.answer("OK")
        driver.click(driver.ui.segmentButton)
        question, failure = desktop.dialogs.take(), desktop.dialogs.take()
        assert "PyTorch" in question.text
        assert "no network" in failure.text
        assert driver.logic.run is None
        assert driver.ui.segmentButton.enabled
