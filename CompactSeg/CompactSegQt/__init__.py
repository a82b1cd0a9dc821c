"""The panel of the Slicer module: everything that uses qt or ctk.

Slicer alone has what these files import, so nothing is imported here.
"""
