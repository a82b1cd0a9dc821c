"""Scenarios: what a user does, by clicks in the real panel, with the real worker and a model that ships.

They run inside Slicer as the module's self-test, and without it under pytest (Testing/Qt/scenarios), which has a
driver with mouse and keyboard.
"""
