"""Files written whole or not at all."""

from __future__ import annotations

import csv
import errno
import hashlib
import os
import platform
import re
import secrets
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from CompactSegLib.errors import Cancelled, OutputError
from CompactSegLib.paths import is_file, is_folder, is_name_of_a_file, is_there
from CompactSegLib.words import shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PARTIAL = ".partial-"
_WHERE = "choose a folder with write permission and enough free space"
_SHORTER = "choose a shorter name, or a folder nearer to the root"
_FILE = "{}: could not be written ({}); nothing was left behind, {}."
_FOLDER = "{}: expected a folder to write to, but it could not be written to ({}); {}."

_LONGEST_OF_WINDOWS = 247  # a folder's path, where longer ones are not switched on
# There a scanner for viruses or an indexer has for a moment what was just written, and nobody else may move it.
_PAUSES_SECONDS: tuple[float, ...] = (0.1, 0.2, 0.4, 0.8) if sys.platform == "win32" else ()


def check_writable(folder: Path, *names: str) -> None:
    """Check before anything long what can be known of the files that it will write; nothing of this is left.

    Args:
        folder: Where they are to be; it may be missing.
        names: At least one.

    Raises:
        OutputError: No file can have this name or path or be written there, or Windows does not replace an open one.
    """
    for path in (folder / name for name in names):
        _check_name(path)
        if is_file(path):
            with _told(path, _FILE):
                _replace(path, path)
    longest = max(names, key=lambda name: len(os.fsencode(name)))
    with (
        suppress(Cancelled),
        _staging(folder, longest, folder, _FOLDER) as staging,
        _told(folder / longest, _FILE),
    ):
        (staging / longest).touch()
        raise Cancelled  # which leaves nothing


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a path to write to; the file takes the place of `path` only if all went well.

    On any failure, an interrupt included, nothing new is left, and a file that was at `path` before is untouched.

    Args:
        path: The file to write. Missing parent folders are made.

    Yields:
        A path of the same name elsewhere, or the same within `written_together`. The body must create the file.

    Raises:
        OutputError: The file could not be written (no space, no permission, no such place).
    """
    target = Path(path)
    _check_name(target)
    place = target.parent
    is_staged = place.name.startswith(f"{_PARTIAL}{_host()}-{os.getpid()}-")
    staging = nullcontext(place) if is_staged else _staging(place, target.name, target, _FILE)
    with _told(target, _FILE), staging as folder:
        # Should it have been removed, who writes together tells so in the end.
        folder.mkdir(parents=True, exist_ok=True)
        yield folder / target.name
        (folder / target.name).stat()


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text as UTF-8, line ends as they are, whole or not at all.

    Raises:
        OutputError: The file could not be written.
    """
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def write_table(
    path: str | os.PathLike[str], columns: Sequence[str], rows: Iterable[Mapping[str, object]]
) -> None:
    """Write a table as CSV, whole or not at all; what a row does not have is an empty cell.

    Raises:
        OutputError: The file could not be written.
    """
    with (
        written_whole(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_picture(path: str | os.PathLike[str], figure: Figure, **options: Any) -> None:
    """Draw a figure of matplotlib into a PNG file, whole or not at all; options are those of ``savefig``.

    Raises:
        OutputError: The file could not be written.
    """
    with written_whole(path) as temporary, warnings.catch_warnings():
        # Names in a script that the font lacks are drawn as boxes, which is no reason to fail.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(temporary, format="png", **options)


@contextmanager
def written_together(folder: Path, *, last: str, obsolete: Collection[str] = ()) -> Iterator[Path]:
    """Yield a folder to write into; when the body is done, all its files move to `folder`.

    After any failure, an interrupt included, nothing of them is left, nor of folders made for them. Files of the same
    names that were there before are replaced only at the end.

    Args:
        folder: Where the files are to be; made where it is missing.
        last: Name of the file that moves last, so that where it is all others are.
        obsolete: Names of files that the new ones take the place of under other names; asked when the body is done.

    Raises:
        OutputError: `folder` cannot be made or written to. This shows before the body runs.
    """
    _check_name(folder / last)
    with _staging(folder, last, folder, _FOLDER, obsolete) as staging:
        yield staging


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a folder of the system's for what is needed meanwhile; what killed runs left there goes.

    Raises:
        OutputError: The system has none that can be written to.
    """
    with ExitStack() as made:
        with _told("The system's folder for temporary files", _FOLDER):
            place = Path(tempfile.gettempdir())
            _remove_leftovers(place)
            prefix = f"{_partial_name()}-"
            folder = made.enter_context(tempfile.TemporaryDirectory(prefix=prefix, dir=place))
        yield Path(folder)


@contextmanager
def _staging(
    folder: Path, last: str, named: Path, sentence: str, obsolete: Collection[str] = ()
) -> Iterator[Path]:
    made = [path for path in (folder, *folder.parents) if not is_there(path)]
    staging = folder / _partial_name()
    try:
        with _told(named, sentence):
            # Another run may take its new folder away again, in which this one was to be.
            with suppress(FileNotFoundError):
                staging.mkdir(parents=True)
            staging.mkdir(parents=True, exist_ok=True)
            _remove_leftovers(folder)
        yield staging
        with _told(named, sentence):
            _move(staging, folder, last, obsolete)
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


@contextmanager
def _told(path: Path | str, sentence: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(sentence.format(path, *_reason(error))) from error


def _reason(error: OSError) -> tuple[str, str]:
    """What the system says, what it means on Windows where that says little, and what to do."""
    reason = error.strerror or str(error)
    if isinstance(error, PermissionError) and error.filename2 is not None:
        name = Path(error.filename2).name
        return f"{reason}; {name} may be open in another program, close it there", _WHERE
    if sys.platform == "win32" and error.errno in (errno.ENOENT, errno.EINVAL) and error.filename:
        length = len(os.path.abspath(error.filename))  # noqa: PTH100
        if length > _LONGEST_OF_WINDOWS:
            told = f"its path has {length} characters while it is written, Windows takes {_LONGEST_OF_WINDOWS}"
            return f"{reason}; {told}", _SHORTER
    return reason, _SHORTER if error.errno == errno.ENAMETOOLONG else _WHERE


def _move(staging: Path, folder: Path, last: str, obsolete: Collection[str]) -> None:
    """Let files take their places; those that were there before come back should that fail."""
    names = sorted((path.name for path in staging.iterdir()), key=lambda name: (name == last, name))
    for name in [*names, *obsolete]:
        _check_name(folder / name)
    for name in names:
        _flush_to_disk(staging / name)
    if len(names) == 1 and not obsolete:  # at no moment is there none
        _replace(staging / last, folder / last)
        return
    before, moved = staging / "before", []
    before.mkdir()
    try:
        # The last goes first: without it the others count for nothing, should this be ended between two files.
        for name in reversed([*obsolete, *names]):
            if is_there(folder / name):
                _replace(folder / name, before / name)
        for name in names:
            _replace(staging / name, folder / name)
            moved.append(name)
    except BaseException:
        for name in moved:
            (folder / name).unlink(missing_ok=True)
        for path in before.iterdir():
            _replace(path, folder / path.name)
        raise


def _replace(source: Path, target: Path) -> None:
    for seconds in _PAUSES_SECONDS:
        with suppress(PermissionError):
            os.replace(source, target)
            return
        time.sleep(seconds)
    os.replace(source, target)


def _check_name(path: Path) -> None:
    if not is_name_of_a_file(path):
        raise OutputError(
            f"{shown(str(path))}: expected the name of a file to write to, but no file can have it."
        )
    if is_folder(path):
        raise OutputError(
            f"{path}: expected a file name to write to, but this is a folder; "
            "remove it or choose another output folder."
        )


def _partial_name() -> str:
    """It says by whom: by what a killed run leaves, the next one knows it."""
    return f"{_PARTIAL}{_host()}-{os.getpid()}-{secrets.token_hex(4)}"


def _remove_leftovers(folder: Path) -> None:
    """Remove what runs left that were killed; what belongs to a living one, here or on another host, stays."""
    for path in folder.glob(f"{_PARTIAL}*"):
        match = re.match(
            rf"{re.escape(_PARTIAL)}([0-9a-f]{{8}})-([0-9]{{1,10}})-[0-9a-f]{{8}}", path.name
        )
        if match and match[1] == _host() and not _is_alive(int(match[2])):
            shutil.rmtree(path, ignore_errors=True)


def _host() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _is_alive(process: int) -> bool:
    import psutil

    try:
        return psutil.pid_exists(process)
    except OverflowError:  # no process has a number of that many bits
        return False


def _flush_to_disk(path: Path) -> None:
    """Without this a power cut after the rename can leave an empty file under the final name."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
