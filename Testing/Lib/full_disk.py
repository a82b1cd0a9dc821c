"""A disk without space."""

from __future__ import annotations

import errno
import io
import os


class FullDisk(io.RawIOBase):
    """A file as /dev/full, which not every system has."""

    def writable(self) -> bool:
        return True

    def write(self, _: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
