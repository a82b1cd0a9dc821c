"""Slicer's module that offers images to try things on; here it keeps what was registered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import qt
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleWidget


class SampleData(ScriptedLoadableModule):
    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        parent.title = "Sample Data"


class SampleDataWidget(ScriptedLoadableModuleWidget):
    def setup(self) -> None:
        """List what was registered; nothing is downloaded."""
        super().setup()
        for category, sources in SampleDataLogic._sources.items():
            for source in sources:
                self.layout.addWidget(qt.QLabel(f"{category}: {source.sampleName}"))
        self.layout.addStretch(1)


@dataclass
class SampleDataSource:
    sampleName: str | None = None
    sampleDescription: str | None = None
    uris: Any = None
    fileNames: Any = None
    nodeNames: Any = None
    checksums: Any = None
    loadFiles: Any = None
    customDownloader: Any = None
    thumbnailFileName: str | None = None
    loadFileTypes: Any = None
    loadFileProperties: Any = None


class SampleDataLogic:
    _sources: ClassVar[dict[str, list[SampleDataSource]]] = {}

    @staticmethod
    def registerCustomSampleDataSource(
        category: str = "Custom",
        sampleName: str | None = None,
        uris: Any = None,
        fileNames: Any = None,
        nodeNames: Any = None,
        customDownloader: Any = None,
        thumbnailFileName: str | None = None,
        loadFileTypes: Any = None,
        loadFiles: Any = None,
        loadFileProperties: Any = None,
        checksums: Any = None,
    ) -> None:
        source = SampleDataSource(
            sampleName=sampleName,
            uris=uris,
            fileNames=fileNames,
            nodeNames=nodeNames,
            checksums=checksums,
            loadFiles=loadFiles,
            customDownloader=customDownloader,
            thumbnailFileName=thumbnailFileName,
            loadFileTypes=loadFileTypes,
            loadFileProperties=loadFileProperties,
        )
        sources = SampleDataLogic._sources.setdefault(category, [])
        if source not in sources:
            sources.append(source)

    @staticmethod
    def sampleDataSourcesByCategory(category: str | None = None) -> Any:
        sources = SampleDataLogic._sources
        return sources if category is None else sources.get(category, [])
