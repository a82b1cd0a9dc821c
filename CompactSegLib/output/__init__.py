"""What a run leaves: segmentations as files, the report and the picture; whole or not at all."""
