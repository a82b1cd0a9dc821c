"""Paths that others name: asked after and read so that no name, link or kind of file raises or hangs what asks."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from pathlib import Path

# Windows takes these for devices, with a suffix too, and what is written there is gone; it cuts off the last dot or
# space, and a colon begins the name of a part of a file.
_NO_FILE_OF_WINDOWS = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[1-9¹²³]) *(\..*)?|.*[. ]|.*[<>:\"|?*\x00-\x1f].*",
    re.IGNORECASE,
)


def given(path: str | os.PathLike[str]) -> Path:
    """A path as a person gives it: a `~` that no shell replaced is the home folder, not a folder of that name."""
    try:
        return Path(path).expanduser()
    except RuntimeError:  # there is no such user
        return Path(path)


def is_file(path: Path) -> bool:
    """`Path.is_file` for names that come from elsewhere: one that no file can have is none."""
    return stat.S_ISREG(_mode(path))


def is_folder(path: Path) -> bool:
    """`Path.is_dir` for names that come from elsewhere."""
    return stat.S_ISDIR(_mode(path))


def is_there(path: Path) -> bool:
    """`Path.exists` for names that come from elsewhere."""
    return _mode(path) != 0


def is_name_of_a_file(path: Path) -> bool:
    """Whether the system takes a file of this name; others it refuses when they are written."""
    try:
        fits = b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False
    return fits and not (sys.platform == "win32" and _NO_FILE_OF_WINDOWS.fullmatch(path.name))


def resolved(path: Path) -> Path:
    """`Path.resolve` for names that come from elsewhere; one that no file can have, or a link in a circle, stays."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):
        return path


def _mode(path: Path) -> int:
    """What kind of a file is there, 0 for none: too long a name, or a folder that may not be looked into."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0


def read_file(path: str | os.PathLike[str], *, most_bytes: int) -> bytes:
    """The content of a file.

    Raises:
        OSError: It is not there, may not be read, is larger, or goes on for ever, as pipes and devices do.
    """
    try:
        status = Path(path).stat()
    except ValueError:
        raise OSError(errno.EINVAL, "no file can have this name", str(path)) from None
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EINVAL, "it is a pipe, a device or a socket", str(path))
    if status.st_size > most_bytes:
        raise OSError(errno.EFBIG, f"it has more than {most_bytes // 2**20} MB", str(path))
    return Path(path).read_bytes()
