"""An image to try the module on: MRHead, which Slicer's Sample Data module has too."""

__all__ = ["registerSampleData"]

_CHECKSUM = "cc211f0dfd9a05ca3841ce1141b292898b2dd2d3f08286affadf823a7e58df93"


def registerSampleData() -> None:
    """List MRHead under CompactSeg in the Sample Data module.

    It is the very file that Slicer itself offers under General, checked by the same sum, so that nothing has to be
    hosted, and what was downloaded once serves both.
    """
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="CompactSeg",
        sampleName="MRHead",
        uris=f"https://github.com/Slicer/SlicerTestingData/releases/download/SHA256/{_CHECKSUM}",
        fileNames="MR-head.nrrd",
        checksums=f"SHA256:{_CHECKSUM}",
        nodeNames="MRHead",
    )
