"""What a process of a pool does, and the form in which calls and their outcomes travel."""

from __future__ import annotations

import io
import os
import pickle
import signal
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from multiprocessing.pool import ExceptionWithTraceback, MaybeEncodingError  # type: ignore[attr-defined]
from multiprocessing.reduction import ForkingPickler
from types import FunctionType
from typing import Any

from .channel import Channel, Gone
from .results import Failed, Outcomes, each, each_star

__all__ = ["CALL", "EACH", "EACH_STAR", "UNTIL_FAILURE", "Packer", "unpacked", "work"]


#: Bytes above which a pickler is not used again: to clear what it remembers of many objects takes long, each time.
_REMEMBERED = 1 << 12


class Packer:
    """A pickler that is used again and again; for one thread."""

    def __init__(self) -> None:
        self._renew()
        self._named: tuple[Any, bytes] = (None, b"")

    def _renew(self) -> None:
        self._buffer = io.BytesIO()
        self._pickler = ForkingPickler(self._buffer)

    def pack(self, value: Any) -> bytes:
        """Bytes of a value."""
        try:
            self._pickler.dump(value)
            return self._buffer.getvalue()
        finally:
            if self._buffer.tell() > _REMEMBERED:
                self._renew()
            else:
                self._pickler.clear_memo()
                self._buffer.seek(0)
                self._buffer.truncate()

    def pack_call(self, kind: int, function: Any, args: Any) -> tuple[int, bytes]:
        """Kind and body of the message that asks for a call.

        Functions that pickle as their names stand by themselves before the arguments, packed once for many calls;
        other callables stand in one piece with them, so that what both refer to stays one object.
        """
        if type(function) is not FunctionType:
            return kind, self.pack((function, args))
        known, name = self._named
        if known is not function:
            name = self.pack(function)
            self._named = function, name
        return kind | len(name) << 8, name + self.pack(args)

    def forget(self) -> None:
        """Keep no function any more."""
        self._named = None, b""


unpacked = pickle.loads

# --- kinds of calls ---


def _call(function: Callable[..., Any], given: tuple[Iterable[Any], dict[str, Any]]) -> Any:
    return function(*given[0], **given[1])


def _until_failure(function: Callable[[Any], Any], items: Iterable[Any]) -> Outcomes:
    """A chunk of imap(): what came before a failure is kept."""
    outcomes: Outcomes = []
    add = outcomes.append
    try:
        for item in items:
            add(function(item))
    except BaseException as error:
        outcomes.append(Failed(ExceptionWithTraceback(error, error.__traceback__)))
    return outcomes


_KINDS: list[Callable[[Any, Any], Any]] = [_call, each, each_star, _until_failure]
CALL, EACH, EACH_STAR, UNTIL_FAILURE = range(len(_KINDS))

# --- in the process ---


class _Hands:
    """Makes the calls of messages, and the messages of their outcomes."""

    def __init__(self) -> None:
        self._packer = Packer()
        self._name, self._function = b"", None
        self.busy = False  # with a call, which ctrl-C ends; what is around it must not end half-way

    def outcome(self, kind: int, body: Any) -> tuple[int, bytes]:
        """Whether the call has ended well, and what it has returned or raised, packed."""
        try:
            self.busy = True
            fine, value = 1, _KINDS[kind & 0xFF](*self._understood(kind >> 8, body))
        except BaseException as error:
            self.busy = False  # a second ctrl-C must not end what follows
            fine, value = 0, ExceptionWithTraceback(error, error.__traceback__)
        finally:
            self.busy = False
        try:
            return fine, self._packer.pack(value)
        except Exception as error:
            return 0, self._packer.pack(MaybeEncodingError(error, value))

    def _understood(self, length: int, body: Any) -> tuple[Any, Any]:
        if length == 0:
            function, args = unpacked(body)
            return function, args
        if body[:length] != self._name:
            self._function = unpacked(body[:length])
            self._name = bytes(body[:length])
        return self._function, unpacked(memoryview(body)[length:])

    def interrupt(self, number: int, frame: Any) -> None:
        """Ctrl-C: ends a call, and nothing else."""
        if self.busy:
            raise KeyboardInterrupt


def work(tasks: Channel, answers: Channel, troubles: Any, initializer: Any, initargs: Any, most: int | None) -> None:
    """Take tasks and give answers until there are no more, or `most` were done."""
    tasks.only_take()
    answers.only_put()
    hands = _Hands()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, hands.interrupt)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])  # blocked while the process was started
    try:
        if initializer is not None:
            initializer(*initargs)
    except BaseException:
        troubles.put(f"its initializer raised\n{traceback.format_exc()}")
        os._exit(1)
    done = 0
    try:
        while most is None or done < most:
            ((job, index, kind, body),) = tasks.take()
            answers.put([(job, index, *hands.outcome(kind, body))])
            del body  # neither arguments nor results are kept while the process waits
            done += 1
    except Gone:  # nothing is left to do
        pass
    except OSError:  # the other side is dead, or a task has closed what is not its own
        os._exit(1)
    with suppress(Gone):
        tasks.sign_off()
