"""``python -m CompactSegLib.cli`` is ``compactseg``."""

from CompactSegLib.cli import main

if __name__ == "__main__":
    main()
