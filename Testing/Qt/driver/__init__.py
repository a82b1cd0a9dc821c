"""Drives the stand-in desktop as a person would: clicks, keys, answers to dialogs, looking at the screen."""
