"""How good brain-mr is, measured without training images: ``python -m benchmarks.brain_mr``.

Words used here: a *head* is a label map of FreeSurfer values; a *setting* is how an image of it is made (contrast,
slice thickness and so on); a *change* is what is done to a real image, whose volumes should stay as they were.
"""
