"""Labelled images: the forms of data set, their cases, folds, and which of them a model has seen."""
