# Slicer writes what other extensions need to build upon this one; nobody builds upon CompactSeg.
set(Slicer_WAS_ASKED_FOR_CONFIG ON)
