"""The process that the Slicer module talks to: requests on stdin, events on stdout, docs/worker.md says which.

One thread reads, so that a request can be cancelled and the end of stdin seen while the main thread computes; one
writes, so that a slow connection holds neither up.
"""

from __future__ import annotations

import io
import logging
import os
import queue
import sys
import threading
from typing import Any, BinaryIO

import numpy as np

import CompactSegLib
from CompactSegLib.errors import Cancelled, CompactSegError
from CompactSegLib.serve.events import failed, ready
from CompactSegLib.serve.protocol import (
    LARGEST_ARRAY,
    PROTOCOL,
    BadFrame,
    encode_frame,
    id_of,
    read_frames,
    write_parts,
)
from CompactSegLib.serve.requests import (
    Cancel,
    LevelRequest,
    Mailbox,
    RequestError,
    SegmentRequest,
    Shutdown,
    Work,
    parse_request,
)
from CompactSegLib.serve.session import Session, TorchError

_LOG = logging.getLogger("compactseg.worker")
_GRACE_SECONDS = 5.0
_IDLE_SECONDS = 10.0


def run_worker(*, largest_array: int = LARGEST_ARRAY, session: Session | None = None) -> None:
    """Answer requests on stdin until it ends or asks to; then return.

    Args:
        largest_array: Bytes; a larger volume is refused.
        session: Carries them out; None for one with torch.
    """
    requests, events = _take_stdio()
    if isinstance(sys.stderr, io.TextIOWrapper):
        # The log is UTF-8, whatever a pipe of Windows takes for text.
        sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO, stream=sys.stderr)
    _LOG.info(
        "compactseg %s worker, protocol %d, process %d",
        CompactSegLib.__version__,
        PROTOCOL,
        os.getpid(),
    )
    _Worker(requests, events, session or Session(), largest_array=largest_array).serve()
    _LOG.info("worker ends")


def _take_stdio() -> tuple[BinaryIO, BinaryIO]:
    """Stdin and stdout for frames alone: what else reads finds nothing, and what else prints goes to stderr."""
    sys.stdout.flush()
    requests, events = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # started without stderr
        os.dup2(nothing, 1)
    os.close(nothing)
    return os.fdopen(requests, "rb", buffering=0), os.fdopen(events, "wb", buffering=0)


class _Worker:
    def __init__(
        self, requests: BinaryIO, events: BinaryIO, session: Session, *, largest_array: int
    ) -> None:
        self._requests, self._stream = requests, events
        self._largest_array = largest_array
        self._events: queue.SimpleQueue[list[bytes | memoryview] | None]
        self._events = queue.SimpleQueue()
        self._mailbox = Mailbox(self._send)
        self._session = session
        self._is_at_work = False

    def serve(self) -> None:
        """Until stdin ends, someone asks for the end, or nobody takes events any more."""
        writer = threading.Thread(target=self._write, name="writer", daemon=True)
        writer.start()
        # Before torch is loaded, which takes seconds: nobody needs to wait for it to choose a model.
        self._send(ready())
        threading.Thread(target=self._read, name="reader", daemon=True).start()
        try:
            self._session.prepare()
            self._send({"event": "devices", "id": None, **self._session.devices()})
        except TorchError as error:
            self._send(failed(error))
        except Exception as error:  # noqa: BLE001 - nobody could ask for anything of a worker that ends here
            _LOG.exception("the devices could not be told")
            self._send(failed(error))
        rested = False
        while not self._mailbox.is_closed:
            request = self._mailbox.take(_IDLE_SECONDS)
            if request is not None:
                self._is_at_work = True
                self._carry_out(request)
                self._is_at_work = rested = False
            elif not rested:
                self._session.rest()
                rested = True
        self._events.put(None)
        writer.join(_GRACE_SECONDS / 2)

    def _carry_out(self, request: Work) -> None:
        try:
            last = self._answer(request)
        except Cancelled:
            _LOG.info("request %r: cancelled", request.id)
            last = {"event": "cancelled"}
        except CompactSegError as error:
            _LOG.info("request %r: %s", request.id, error)
            last = failed(error, request.id)
        except Exception as error:  # noqa: BLE001 - the worker outlives whatever one request meets
            _LOG.exception("request %r failed", request.id)
            last = failed(error, request.id)
            self._session.forget()
        self._mailbox.finish(last)

    def _answer(self, request: Work) -> dict[str, Any]:
        """Carry a request out; return its last event."""
        mailbox, session = self._mailbox, self._session
        if isinstance(request, SegmentRequest):
            _LOG.info(
                "request %r: segment %s of %s with %s",
                request.id,
                request.array.shape,
                request.array.dtype,
                request.model,
            )
            self._session.prepare()
            told = session.segment(request, tell=mailbox.tell, cancel=lambda: mailbox.is_cancelled)
            return {"event": "done", **told}
        if isinstance(request, LevelRequest):
            _LOG.info("request %r: level %d of %r", request.id, request.level, request.of)
            told = session.level(request, tell=mailbox.tell, cancel=lambda: mailbox.is_cancelled)
            return {"event": "done", **told}
        if request.what == "devices":
            self._session.prepare()
            return {"event": "devices", **session.devices()}
        if request.what == "forget":
            session.forget()
            session.rest()
            return {"event": "forgotten"}
        return ready(request.id) | ({"event": "models"} if request.what == "models" else {})

    def _read(self) -> None:
        """Take requests until there are no more."""
        try:
            for frame in read_frames(self._requests, largest_array=self._largest_array):
                if isinstance(frame, BadFrame):
                    self._refuse(frame.sentence, frame.id, kind="frame")
                elif not self._receive(frame.message, frame.array):
                    break
        except OSError as error:
            _LOG.info("stdin failed: %s", error)
        except Exception:  # noqa: BLE001 - whatever it was, the process is to end and not to wait for ever
            _LOG.exception("a request could not be taken")
        finally:  # without this thread nobody could end the process
            self._end("no more requests")

    def _end(self, reason: str) -> None:
        """See to it that the process ends, whatever the main thread is doing."""
        _LOG.info("%s", reason)
        last_resort = threading.Timer(_GRACE_SECONDS, self._give_up)
        last_resort.daemon = True
        last_resort.start()
        self._mailbox.close()

    def _give_up(self) -> None:
        """End, whatever the main thread hangs in: an import before the first request leaves nothing undone."""
        os._exit(1 if self._is_at_work else 0)

    def _receive(self, message: dict[str, Any], array: np.ndarray | None) -> bool:
        """Take a request; False when it is the last."""
        try:
            request = parse_request(message, array)
            if isinstance(request, Shutdown):
                return False
            if not isinstance(request, Cancel):
                self._mailbox.put(request)
            elif not self._mailbox.cancel(request.id):
                _LOG.info("request %r: nothing to cancel", request.id)
        except RequestError as error:
            self._refuse(str(error), id_of(message), kind="request")
        return True

    def _refuse(self, sentence: str, request: str | int | None, *, kind: str) -> None:
        _LOG.info("%s", sentence)
        self._send({"event": "error", "id": request, "kind": kind, "sentence": sentence})

    def _send(self, event: dict[str, Any], array: np.ndarray | None = None) -> None:
        self._events.put(encode_frame(event, array))

    def _write(self) -> None:
        """Write events until there are no more, or nobody takes them."""
        try:
            while (parts := self._events.get()) is not None:
                write_parts(self._stream, parts)
        except OSError as error:
            self._end(f"nobody takes events: {error}")
