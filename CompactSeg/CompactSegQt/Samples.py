"""Images to try the models on: MRHead, which Slicer's Sample Data module has too."""

from CompactSegLib.files import find_resource

__all__ = ["registerSampleData"]

_CHECKSUM = "cc211f0dfd9a05ca3841ce1141b292898b2dd2d3f08286affadf823a7e58df93"
_SAMPLES = {"MRHead, brain structures": "brain-mr", "MRHead, hippocampus": "hippocampus-mr"}
"""What each model can be tried on, and the picture that shows what it finds."""


def registerSampleData() -> None:
    """List MRHead under CompactSeg in the Sample Data module, once for each model.

    It is the very file that Slicer itself offers under General, checked by the same sum, so that nothing has to be
    hosted, and what was downloaded once serves all.
    """
    import SampleData

    for name, model in _SAMPLES.items():
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category="CompactSeg",
            sampleName=name,
            uris=f"https://github.com/Slicer/SlicerTestingData/releases/download/SHA256/{_CHECKSUM}",
            fileNames="MR-head.nrrd",
            checksums=f"SHA256:{_CHECKSUM}",
            nodeNames="MRHead",
            thumbnailFileName=str(find_resource(f"Icons/{model}.png")),
        )
