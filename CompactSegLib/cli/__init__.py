"""The command ``compactseg``, one file a command; ``app.py`` holds the options and starts them."""

__all__ = ["main"]


def main() -> None:
    """Run the command; the entry point of the installed script."""
    from CompactSegLib.cli.app import main as run

    run()
