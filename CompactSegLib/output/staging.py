"""A case's files appear together: they are written beside the output folder's own and moved when all are there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from CompactSegLib.errors import OutputError
from CompactSegLib.files import partial_name, remove_leftovers

__all__ = ["staged_files"]


@contextmanager
def staged_files(folder: Path, *, last: str) -> Iterator[Path]:
    """Yield a folder to write into; when the body is done, all its files move to `folder`.

    After any failure, an interrupt included, nothing of them is left, nor of folders made for them. Files of the same
    names that were there before are replaced only at the end.

    Args:
        folder: Where the files are to be; made where it is missing.
        last: Name of the file that moves last, so that where it is all others are.

    Raises:
        OutputError: `folder` cannot be made or written to. This shows before the body runs.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    staging = folder / partial_name()
    try:
        try:
            staging.mkdir(parents=True)
            remove_leftovers(folder)
        except OSError as error:
            raise OutputError(_sentence(folder, error)) from error
        yield staging
        _move(staging, folder, last)
    except BaseException as error:
        shutil.rmtree(staging, ignore_errors=True)
        for path in made:
            with suppress(OSError):
                path.rmdir()
        if isinstance(error, OutputError):
            # The user knows nothing of the staging folder.
            raise OutputError(str(error).replace(str(staging), str(folder))) from error
        raise
    shutil.rmtree(staging, ignore_errors=True)


def _move(staging: Path, folder: Path, last: str) -> None:
    sources = sorted(staging.iterdir(), key=lambda path: (path.name == last, path.name))
    for source in sources:
        if (folder / source.name).is_dir():
            raise OutputError(
                f"{folder / source.name}: expected a file name to write to, but this is a folder; "
                "remove it or choose another output folder."
            )
    moved: list[Path] = []
    # Without its report a case is not done, should this be ended between two files.
    with suppress(OSError):
        (folder / last).unlink()
    try:
        for source in sources:
            os.replace(source, folder / source.name)
            moved.append(folder / source.name)
    except BaseException as error:
        for path in moved:
            path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OutputError(_sentence(folder, error)) from error
        raise


def _sentence(folder: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    return (
        f"{folder}: expected a folder to write to, but it cannot be used ({reason}); "
        "choose a folder with write permission and enough free space."
    )
