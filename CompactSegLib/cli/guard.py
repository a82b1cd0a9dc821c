"""How a command ends when something goes wrong: one sentence on stderr and an exit code."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Annotated, ParamSpec, TypeVar

import typer

from CompactSegLib.errors import CompactSegError

__all__ = ["BAD_INPUT", "FAULT", "INTERRUPTED", "Debug", "guarded", "say"]

FAULT = 1
BAD_INPUT = 2
INTERRUPTED = 130

Debug = Annotated[bool, typer.Option("--debug", help="Show a traceback if something fails.")]
"""Type of the argument that each command takes for `guarded`."""

P = ParamSpec("P")
T = TypeVar("T")


def guarded(command: Callable[P, T]) -> Callable[P, T]:
    """Turn what a command raises into a sentence and an exit code; with its argument ``debug``, let it through."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except KeyboardInterrupt:
            say("Interrupted. Nothing was written of the unfinished case.")
            raise typer.Exit(INTERRUPTED) from None
        except CompactSegError as error:
            if kwargs.get("debug"):
                raise
            say(f"Error: {error}")
            raise typer.Exit(BAD_INPUT) from None
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if kwargs.get("debug"):
                raise
            say(fault(error))
            raise typer.Exit(FAULT) from None

    return run


def fault(error: Exception) -> str:
    """A sentence for what nobody expected."""
    return (
        f"Error: {type(error).__name__}: {error}. This is a fault of CompactSeg, not of the input; "
        "please rerun with --debug and report what it prints."
    )


def say(sentence: str) -> None:
    """Write to stderr, without the line breaks that a console would put into paths."""
    typer.echo(sentence, err=True)
