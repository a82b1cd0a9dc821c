"""What goes wrong, told to the user: a sentence where it was foreseen, the details where it was not."""

from collections.abc import Iterator
from contextlib import contextmanager

import slicer

from CompactSegLib.errors import CompactSegError
from CompactSegQt.Packages import PackagesError

__all__ = ["errorsShown"]


@contextmanager
def errorsShown(message: str) -> Iterator[None]:
    """Show what the body raises.

    Args:
        message: What did not work, said of errors that nobody foresaw; these are raised again.
    """
    with slicer.util.tryWithErrorDisplay(message):
        try:
            yield
        except (CompactSegError, PackagesError) as error:
            slicer.util.errorDisplay(str(error))
