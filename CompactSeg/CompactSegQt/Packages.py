"""What the worker needs in Slicer's Python and is not there yet: installed when the user says so, never before."""

from __future__ import annotations

import importlib
import importlib.metadata
from subprocess import CalledProcessError
from typing import TYPE_CHECKING

import slicer
from slicer.i18n import tr as _

from CompactSegLib.files import find_resource

if TYPE_CHECKING:
    from packaging.requirements import Requirement

__all__ = ["Packages", "PackagesError"]

_TORCH_VERSION = ">=2.4,!=2.9.*"
"""As in pyproject.toml: 2.9's 3D convolutions are several times slower."""


class PackagesError(RuntimeError):
    """Something could not be installed; the message says what to do."""


class Packages:
    """Asks once, then installs what is missing with what Slicer has for it."""

    def missing(self) -> list[str]:
        """Names of what is not there, PyTorch first; nothing is imported to find out."""
        importlib.invalidate_caches()
        return [
            "PyTorch" if each.name == "torch" else each.name
            for each in _requirements(f"torch{_TORCH_VERSION}")
            if not _isInstalled(each)
        ]

    def offer(self) -> bool:
        """Ask whether to install what is missing, and install it.

        Returns:
            Whether all is there now; False when the user said not now.

        Raises:
            PackagesError: It could not be installed.
        """
        missing = self.missing()
        if not missing:
            return True
        if not self._ask(missing):
            return False
        try:
            if any(name != "PyTorch" for name in missing):
                self._installRequirements()
            if "PyTorch" in missing:
                self._installTorch()
        except (
            CalledProcessError
        ) as error:  # of pip, whose words are in Slicer's own window or its log
            raise PackagesError(_notInstalled()) from error
        if self.missing():
            raise PackagesError(_notInstalled())
        return True

    @staticmethod
    def _ask(missing: list[str]) -> bool:
        import qt

        text = _(
            "Segmenting needs {packages}, which will be downloaded from the internet and installed into Slicer. "
            "PyTorch takes 200 MB, with a graphics card up to 3 GB, and some minutes; it is needed once.\n\n"
            "Your images stay on this computer.\n\nInstall now?"
        ).format(packages=_(" and ").join(missing))
        if slicer.app.testingEnabled():
            return False
        box = qt.QMessageBox(slicer.util.mainWindow())
        box.setIcon(qt.QMessageBox.Question)
        box.windowTitle = _("CompactSeg")
        box.text = text
        install = box.addButton(_("Install"), qt.QMessageBox.AcceptRole)
        notNow = box.addButton(_("Not now"), qt.QMessageBox.RejectRole)
        box.setDefaultButton(install)
        box.setEscapeButton(notNow)
        box.exec_()
        accepted = box.clickedButton() == install
        box.deleteLater()
        return accepted

    @staticmethod
    def _installRequirements() -> None:
        requirements = _requirements()
        try:
            from slicer import packaging
        except ImportError:  # Slicer 5.8 and 5.10
            slicer.util.pip_install([str(each) for each in requirements])
            return
        packaging.pip_ensure(
            requirements, prompt_install=False, skip_in_testing=True, requester="CompactSeg"
        )

    @staticmethod
    def _installTorch() -> None:
        try:
            import PyTorchUtils
        except ImportError:
            raise PackagesError(
                _(
                    "PyTorch can not be installed, as Slicer's extension “PyTorch” is missing. Open the Extensions "
                    "Manager (View menu), install “PyTorch”, restart Slicer and click Segment again."
                )
            ) from None
        PyTorchUtils.PyTorchUtilsLogic().installTorch(
            askConfirmation=False, torchVersionRequirement=_TORCH_VERSION
        )


def _notInstalled() -> str:
    return _(
        "The packages could not be installed. Check the connection to the internet and the free space, and click "
        "Segment again."
    )


def _requirements(*others: str) -> list[Requirement]:
    from packaging.requirements import Requirement

    lines = find_resource("requirements.txt").read_text(encoding="utf-8").splitlines()
    listed = [line for line in lines if line.strip() and not line.startswith("#")]
    return [Requirement(line) for line in (*others, *listed)]


def _isInstalled(requirement: Requirement) -> bool:
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return requirement.specifier.contains(version, prereleases=True)
