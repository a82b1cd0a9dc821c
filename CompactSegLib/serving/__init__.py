"""What the worker is made of: requests, the mailbox they wait in, and the warm session that carries them out."""

from CompactSegLib.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__, {"Mailbox": "mailbox", "Session": "session", "parse_request": "requests"}
)
