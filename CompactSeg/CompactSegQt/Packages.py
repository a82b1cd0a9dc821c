"""What the worker needs in Slicer's Python and is not there yet: installed when the user says so, never before."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
import sys
from subprocess import CalledProcessError
from typing import TYPE_CHECKING

import slicer
from slicer.i18n import tr as _

from CompactSegLib.resources import find_resource
from CompactSegMRML.Signal import Signal

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_TORCH_INSTALLED = ">=2.4,!=2.9.*"
"""What is installed, as in pyproject.toml: 2.9's 3D convolutions are several times slower."""
_TORCH_USED = ">=2.4"
"""What is good enough where it is there already: nothing that works is replaced unasked."""
_IN_USE = re.compile(
    r"WinError (5|32)\b|being used by another process|Access is denied|Permission denied"
)


class PackagesError(RuntimeError):
    """Something could not be installed; the message says what to do."""


class FilesInUse(PackagesError):
    """It would be, after a restart of Slicer."""


class Packages:
    """Asks once, then installs what is missing with what Slicer has for it.

    While that goes on Slicer handles events, so a second click may come: `isInstalling` says that it must wait.

    Attributes:
        isInstalling: Whether an installation is under way.
        restartReason: Why Slicer has to be started again, as a sentence; "" where it has not.
        changed: Signal after either changed.
    """

    def __init__(self) -> None:
        self.isInstalling = False
        self.restartReason = ""
        self.changed = Signal()

    def missing(self) -> list[str]:
        """Names of what is not there, PyTorch first; nothing is imported to find out."""
        importlib.invalidate_caches()
        return [
            "PyTorch" if each.name == "torch" else each.name
            for each in _requirements(f"torch{_TORCH_USED}")
            if not _isInstalled(each)
        ]

    def offer(self) -> bool:
        """Ask whether to install what is missing, and install it.

        Returns:
            Whether all is there now; False when the user said not now, or it is being installed already.

        Raises:
            PackagesError: It could not be installed.
        """
        missing = self.missing()
        if not missing:
            return True
        if self.isInstalling or not self._ask(missing):
            return False
        replaced = "PyTorch" in missing and "torch" in sys.modules and _versionOf("torch")
        self._setInstalling(True)
        slicer.util.showStatusMessage(
            _("Installing {packages}…").format(packages=", ".join(missing))
        )
        try:
            if any(name != "PyTorch" for name in missing):
                self._installRequirements()
            if "PyTorch" in missing:
                self._installTorch()
            if self.missing():
                raise RuntimeError
            if replaced:
                self.restartReason = _(
                    "PyTorch {version} was replaced while another module was using it. Segmenting works; restart "
                    "Slicer before you use that module again."
                ).format(version=replaced)
        except (CalledProcessError, RuntimeError, OSError) as error:
            told = error if isinstance(error, PackagesError) else _notInstalled(error)
            self.restartReason = str(told) if isinstance(told, FilesInUse) else ""
            raise told from error
        finally:
            self._setInstalling(False)
            slicer.util.showStatusMessage("")
        return True

    def _setInstalling(self, isInstalling: bool) -> None:
        self.isInstalling = isInstalling
        self.changed()

    @staticmethod
    def _ask(missing: list[str]) -> bool:
        import qt

        text = _(
            "Segmenting needs {packages}, which will be downloaded from the internet and installed into Slicer. "
            "PyTorch takes 200 MB, with a graphics card up to 3 GB, and some minutes; it is needed once.\n\n"
            "Your images stay on this computer.\n\nInstall now?"
        ).format(packages=_(" and ").join(missing))
        if "PyTorch" in missing and (replaced := _versionOf("torch")):
            text += "\n\n" + _(
                "PyTorch {version} is there, which is too old, and will be replaced."
            ).format(version=replaced)
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

    def _installTorch(self) -> None:
        try:
            import PyTorchUtils
        except ImportError:
            raise PackagesError(
                _(
                    "PyTorch can not be installed, as Slicer's extension “PyTorch” is missing. Open the Extensions "
                    "Manager (View menu), install “PyTorch”, restart Slicer and click Segment again."
                )
            ) from None
        try:
            PyTorchUtils.PyTorchUtilsLogic().installTorch(
                askConfirmation=False, torchVersionRequirement=_TORCH_INSTALLED
            )
        except (ImportError, OSError) as error:
            # What it installed it imports into Slicer, where that may fail; only the worker has to.
            if self.missing():
                raise RuntimeError(str(error)) from error


def _notInstalled(error: Exception) -> PackagesError:
    """What to do; pip's own words are in Slicer's window or its log."""
    words = " ".join(str(part) for part in (error, getattr(error, "output", None)) if part)
    if _IN_USE.search(words):
        return FilesInUse(
            _(
                "The packages could not be installed, as files of an older version are in use. Restart Slicer and "
                "click Segment before anything else."
            )
        )
    sentence = _(
        "The packages could not be installed. Check the connection to the internet and the free space, and click "
        "Segment again. {details}"
    )
    return PackagesError(sentence.format(details=words[:_MOST_WORDS]).strip())


_MOST_WORDS = 300


def _versionOf(name: str) -> str:
    """Of a package that is there; "" for none, and for what is left of one."""
    try:
        # None where pip ended in the middle of replacing it, as with files in use on Windows.
        return importlib.metadata.version(name) or ""
    except importlib.metadata.PackageNotFoundError:
        return ""


def _requirements(*others: str) -> list[Requirement]:
    from packaging.requirements import Requirement

    lines = find_resource("requirements.txt").read_text(encoding="utf-8").splitlines()
    listed = [line for line in lines if line.strip() and not line.startswith("#")]
    return [Requirement(line) for line in (*others, *listed)]


def _isInstalled(requirement: Requirement) -> bool:
    version = _versionOf(requirement.name)
    return bool(version) and requirement.specifier.contains(version, prereleases=True)
