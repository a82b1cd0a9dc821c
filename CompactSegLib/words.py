"""Words that many sentences need: a number of things, and the beginning of what is long."""

from collections.abc import Sequence

__all__ = ["counted", "shortened", "some_of"]


def counted(number: int, word: str) -> str:
    """A number of things.

    >>> counted(1, "case"), counted(2, "case")
    ('1 case', '2 cases')
    """
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def some_of(items: Sequence[str], most: int = 5) -> str:
    """The items in a line; of many the first ones and how many there are beyond.

    >>> some_of(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def shortened(text: str, most: int) -> str:
    """A text of at most so many characters.

    >>> shortened("hippocampus", 6)
    'hippo…'
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"
