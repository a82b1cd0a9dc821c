"""Words that many sentences need: a number of things, and the beginning of what is long."""

import json
from collections.abc import Mapping, Sequence

_MOST_SHOWN = 60


def counted(number: float, word: str) -> str:
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


def foreign(name: str, names: Sequence[str]) -> str:
    """That a name is none of some names, with the one that was probably meant.

    >>> foreign("stepz", ["steps", "batch"])
    'expected only steps, batch, got "stepz" (did you mean steps?)'
    """
    from difflib import get_close_matches  # for an error only: every command imports this file

    near = get_close_matches(name, names, n=1) if len(name) <= _MOST_SHOWN else []
    meant = f" (did you mean {near[0]}?)" if near else ""
    return f"expected only {', '.join(names)}, got {shown(name)}{meant}"


def shown(value: object) -> str:
    """A value in few words, for the end of a sentence."""
    try:
        return _shown(value)
    except RecursionError:
        return "lists within lists"


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        texts = [_shown(item) for item in value[:8]]
        text = f"[{', '.join(texts)}]"
        return text if len(value) <= 8 and len(text) <= _MOST_SHOWN else f"a list of {len(value)}"
    if isinstance(value, Mapping):
        return f"an object with {', '.join(map(str, value))}"[:_MOST_SHOWN] if value else "{}"
    if isinstance(value, int) and abs(value) >= 10**20:
        return "one of more than 20 digits"
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return shortened(text, _MOST_SHOWN)
