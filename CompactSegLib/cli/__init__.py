"""The command ``compactseg``, one file a command; ``app.py`` starts them and ``options.py`` holds their options."""

import importlib.util
import sys

from CompactSegLib.errors import ConfigurationError

_NEEDED = {"command": ("typer", "rich", "matplotlib"), "training": ("monai", "scipy")}


def main() -> None:
    """Run the command; the entry point of the installed script."""
    try:
        need_packages("command")
    except ConfigurationError as error:
        sys.exit(f"Error: {error}")
    from CompactSegLib.cli.app import main as run

    run()


def need_packages(extra: str) -> None:
    """Check that the packages of an extra of the installation are there, without importing them.

    Raises:
        ConfigurationError: One is not.
    """
    missing = [name for name in _NEEDED[extra] if importlib.util.find_spec(name) is None]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        raise ConfigurationError(
            f"compactseg: expected its {extra} packages, but {', '.join(missing)} {are} not installed; install them "
            f"with pip install 'compactseg[{extra}]'."
        )
