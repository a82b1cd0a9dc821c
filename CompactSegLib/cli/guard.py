"""How a command ends when something goes wrong: one sentence on stderr and an exit code."""

from __future__ import annotations

import errno
import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, TypeGuard

import typer

from CompactSegLib.errors import CompactSegError

FAULT = 1
BAD_INPUT = 2
INTERRUPTED = 130

_OF_DISKS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)

_DEBUG = inspect.Parameter(
    "debug",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[
        bool, typer.Option("--debug", help="Show a traceback if something fails.")
    ],
)


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """Turn what a command raises into a sentence and an exit code; with the option --debug, let it through."""

    @functools.wraps(command)
    def run(*, debug: bool, **given: Any) -> None:
        try:
            command(**given)
        except KeyboardInterrupt:
            say("Interrupted. Nothing was written of the unfinished case.")
            raise typer.Exit(INTERRUPTED) from None
        except CompactSegError as error:
            if debug:
                raise
            say(f"Error: {error}")
            raise typer.Exit(BAD_INPUT) from None
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if debug:
                raise
            say(fault(error))
            raise typer.Exit(BAD_INPUT if _is_of_the_system(error) else FAULT) from None

    signature = inspect.signature(command, eval_str=True)
    parameters = [*signature.parameters.values(), _DEBUG]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return run


def fault(error: Exception) -> str:
    """A sentence for what nobody expected: that the system refused a file, or a fault of ours."""
    if _is_of_the_system(error):
        place = error.filename or "A file"
        return (
            f"Error: {place}: could not be read or written ({error.strerror}); check its path, its permissions and "
            "the free space."
        )
    return (
        f"Error: {type(error).__name__}: {error}. This is a fault of CompactSeg, not of the input; "
        "please rerun with --debug and report what it prints."
    )


def _is_of_the_system(error: Exception) -> TypeGuard[OSError]:
    if not isinstance(error, OSError) or not error.strerror:
        return False
    return error.filename is not None or error.errno in _OF_DISKS


def say(sentence: str) -> None:
    """Write to stderr, without the line breaks that a console would put into paths.

    What a name holds of commands to the terminal is not passed on to it.
    """
    typer.echo("".join(c if c.isprintable() or c == "\n" else "?" for c in sentence), err=True)
