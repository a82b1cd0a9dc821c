"""The extension that installs PyTorch into Slicer; here it notes that it was asked to."""

from __future__ import annotations

from typing import Any

from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic
from standin.packages import record


class PyTorchUtilsLogic(ScriptedLoadableModuleLogic):
    def installTorch(
        self,
        askConfirmation: bool = False,
        forceComputationBackend: str | None = None,
        torchVersionRequirement: str | None = None,
        torchvisionVersionRequirement: str | None = None,
    ) -> Any:
        record.install(
            "installTorch", [f"torch{torchVersionRequirement or ''}"], asks=askConfirmation
        )
