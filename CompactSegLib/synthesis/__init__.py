"""Training images made from label maps: any contrast, any slice thickness, no real image (the SynthSeg method).

Billot et al., SynthSeg: Segmentation of brain MRI scans of any contrast and resolution without retraining, Medical
Image Analysis 86 (2023). A label map is bent at random, every tissue gets a random intensity, the picture is blurred,
sampled and spoilt as scanners do, and then goes through what inference does to an image.
"""
