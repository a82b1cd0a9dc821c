"""Files written whole or not at all, and resources found in a checkout and in an installation."""

import hashlib
import os
import platform
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from CompactSegLib.errors import OutputError

__all__ = ["find_resource", "partial_name", "remove_leftovers", "written_whole"]

_PARTIAL = ".partial-"


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it takes the place of `path` only if all went well.

    The temporary name ends like `path`, so that writers that choose the format by the suffix do
    the same for both. On any failure, an interrupt included, the temporary file and the folders
    made for it are removed, and a file that was at `path` before is untouched.

    Args:
        path: The file to write. Missing parent folders are made.

    Yields:
        The temporary path, which does not exist yet. The body must create it.

    Raises:
        OutputError: The file could not be written (no space, no permission, no such place).
    """
    target = Path(path)
    temporary = target.with_name(f"{partial_name()}{_suffix(target)}")
    made: list[Path] = []
    try:
        if target.is_dir():
            raise OutputError(f"{target}: expected a file name to write to, but this is a folder.")
        _make_folders(target.parent, made)
        yield temporary
        _flush_to_disk(temporary)
        os.replace(temporary, target)
    except BaseException as error:
        _remove(temporary, made)
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            raise OutputError(
                f"{target}: could not be written ({reason}); nothing was left behind, "
                "choose a folder with write permission and enough free space."
            ) from error
        raise


def partial_name() -> str:
    """A name for what is being written, which says by whom: by what a killed run leaves, the next one knows it."""
    return f"{_PARTIAL}{_host()}-{os.getpid()}-{secrets.token_hex(4)}"


def remove_leftovers(folder: Path) -> None:
    """Remove what runs left that were killed; what belongs to a living one, here or on another host, stays."""
    for path in folder.glob(f"{_PARTIAL}*"):
        match = re.match(rf"{re.escape(_PARTIAL)}([0-9a-f]+)-(\d+)-[0-9a-f]+", path.name)
        if match and match[1] == _host() and not _is_alive(int(match[2])):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with suppress(OSError):
                    path.unlink()


def find_resource(name: str | os.PathLike[str]) -> Path:
    """Return the path of a file or folder under ``Resources/``.

    In a checkout ``Resources/`` is at the repository's root, in Slicer's installation it is beside
    the package: both are the package's parent. A wheel carries it inside the package.

    Args:
        name: Path relative to ``Resources/``, for example ``"Models/hippocampus-mr"``.

    Raises:
        FileNotFoundError: In none of the places.
    """
    package = Path(__file__).resolve().parent
    places = [package.parent / "Resources", package / "Resources"]
    for place in places:
        if (place / name).exists():
            return place / name
    raise FileNotFoundError(f"{name}: not found in {' or '.join(str(p) for p in places)}")


def _host() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _is_alive(process: int) -> bool:
    import psutil

    return psutil.pid_exists(process)


def _suffix(path: Path) -> str:
    """The last two suffixes at most (``.seg.nrrd``), so that dots in a case's name stay out."""
    return "".join(path.suffixes[-2:])


def _make_folders(folder: Path, made: list[Path]) -> None:
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        made.append(folder)


def _flush_to_disk(path: Path) -> None:
    """Without this a power cut after the rename can leave an empty file under the final name."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _remove(temporary: Path, made: list[Path]) -> None:
    """Tidy up as far as possible; what failed before is what the user should hear of."""
    with suppress(OSError):
        temporary.unlink(missing_ok=True)
        for folder in reversed(made):
            folder.rmdir()
