"""What Slicer offers to Python, what the stand-in offers, and what the module uses: compared."""
