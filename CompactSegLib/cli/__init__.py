"""The command ``compactseg``, one file a command; ``app.py`` holds the options and starts them."""

import importlib.util
import sys

__all__ = ["main"]

_NEEDED = ("typer", "rich", "matplotlib")


def main() -> None:
    """Run the command; the entry point of the installed script."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(
            f"Error: compactseg: expected the packages of the command, but {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not installed; install with pip install 'compactseg[command]'."
        )
    from CompactSegLib.cli.app import main as run

    run()
