"""Short messages between processes, without a system call for each.

A channel is a ring of bytes in shared memory with a lock. Whoever finds it empty, or full, says so in it and sleeps
at a pipe until a byte comes; as long as both sides are busy nobody sleeps and nobody is woken. A large message goes
through a pipe of its own, and its place in the ring keeps the order.
"""

from __future__ import annotations

import multiprocessing
import os
import select
from contextlib import suppress
from multiprocessing import heap
from typing import Any

__all__ = ["Channel", "Gone", "Message"]

#: Two numbers, what kind it is (< 2**48), and bytes.
Message = tuple[int, int, int, Any]

_SIZE = 1 << 22  # bytes of the ring; memory is used only as far as messages wait
_LARGE = _SIZE // 4 - 64  # bytes, above which a message does not stand in the ring: two fit into half of it
_HEAD, _TAIL, _SLEEPERS, _WAITERS, _CLOSED, _LEFT = range(6)  # words before the ring
_BEGIN = 64  # where the ring begins
_TITLE = 32  # bytes before a message: its length, two numbers and the kind
_THROUGH_PIPE = 1 << 63  # in the kind
_SKIP = (1 << 64) - 1  # in place of a length: the next message stands at the beginning of the ring
_LOOK = 0.2  # seconds after which somebody who waits for another process looks whether it lives


class Gone(Exception):
    """There is nobody any more on the other side, or the channel was closed."""


class Channel:
    """Messages from some processes to others, in order; each is taken once.

    Parameters
    ----------
    context : multiprocessing context
        How processes are started.
    """

    def __init__(self, context: Any) -> None:
        self._memory = heap.BufferWrapper(_BEGIN + _SIZE)
        self._lock, self._writes_large, self._reads_large = (context.Lock() for _ in range(3))
        self._ready, self._room, self._large = (context.Pipe(duplex=False) for _ in range(3))
        os.set_blocking(self._large[1].fileno(), False)
        self._given_up = False
        self._look_into()
        self._bytes[:_BEGIN] = bytes(_BEGIN)

    def _look_into(self) -> None:
        self._bytes = self._memory.create_memoryview()[: _BEGIN + _SIZE]
        self._words = self._bytes.cast("Q")

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_bytes", "_words")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._look_into()

    # --- which side ---

    def only_take(self) -> None:
        """In a process that only takes: it learns when nobody is there any more who could put."""
        for end in (self._ready[1], self._room[0], self._large[1]):
            end.close()

    def only_put(self) -> None:
        """In a process that only puts."""
        for end in (self._ready[0], self._room[1], self._large[0]):
            end.close()

    def give_up(self) -> None:
        """Have the threads of this process that put or take see :class:`Gone`; only where all ends are open."""
        self._given_up = True
        for _, end in (self._ready, self._room):
            os.write(end.fileno(), b"!")

    def close(self) -> None:
        """Have those who take see :class:`Gone` when all has been taken."""
        self._enter()
        try:
            sleepers, self._words[_SLEEPERS], self._words[_CLOSED] = self._words[_SLEEPERS], 0, 1
        finally:
            self._lock.release()
        self._wake(self._ready, sleepers)

    def sign_off(self) -> None:
        """Take note that one who takes leaves as it should."""
        self._enter()
        self._words[_LEFT] += 1
        self._lock.release()

    @property
    def left(self) -> int:
        """How many have left as they should."""
        return self._words[_LEFT]

    # --- messages ---

    def put(self, messages: list[Message]) -> None:
        """Add messages, in this order; waits while the ring is full.

        Raises
        ------
        Gone
            If nobody can take them any more.
        """
        done = 0
        while done < len(messages):
            if _is_large(messages[done]):
                self._put_large(*messages[done])
                done += 1
                continue
            self._enter()
            try:
                before = done
                done = self._write(messages, done)
                woken = self._count_out(done - before)
                full = done < len(messages) and not _is_large(messages[done])
                self._words[_WAITERS] += full
            finally:
                self._lock.release()
            self._wake(self._ready, woken)
            if full:
                self._sleep(self._room)

    def take(self, most: int = 1) -> list[Message]:
        """Next messages, one at least; waits while there are none.

        Raises
        ------
        Gone
            If none can come any more.
        """
        words = self._words
        while True:
            self._enter()
            try:
                if words[_HEAD] != words[_TAIL]:
                    messages, title = self._read(most)
                    waiters = words[_WAITERS] if words[_TAIL] - words[_HEAD] <= _SIZE // 2 else 0
                    words[_WAITERS] -= waiters
                    break
                if words[_CLOSED]:
                    raise Gone
                words[_SLEEPERS] += 1
            finally:
                self._lock.release()
            self._sleep(self._ready)
        if waiters:
            self._wake(self._room, waiters)
        return messages if title is None else [self._take_large(*title)]

    def _write(self, messages: list[Message], first: int) -> int:
        """Messages into the ring as long as there is room; number of the next one."""
        words, content = self._words, self._bytes
        if words[_HEAD] == words[_TAIL]:  # begin anew, in memory that is in the cache
            words[_HEAD] = words[_TAIL] = -(-words[_TAIL] // _SIZE) * _SIZE
        tail, end = words[_TAIL], words[_HEAD] + _SIZE
        for number in range(first, len(messages)):
            one, two, kind, body = messages[number]
            length = 0 if kind & _THROUGH_PIPE else len(body)
            needed = _TITLE + (length + 7 & -8)
            at = tail % _SIZE
            gap = _SIZE - at if at + needed > _SIZE else 0
            if length > _LARGE or tail + gap + needed > end:
                words[_TAIL] = tail
                return number
            if gap:
                words[_BEGIN + at >> 3] = _SKIP
                tail, at = tail + gap, 0
            word = _BEGIN + at >> 3
            words[word], words[word + 1], words[word + 2], words[word + 3] = len(body), one, two, kind
            content[_BEGIN + at + _TITLE : _BEGIN + at + _TITLE + length] = body[:length]
            tail += needed
        words[_TAIL] = tail
        return len(messages)

    def _read(self, most: int) -> tuple[list[Message], tuple[int, int, int, int] | None]:
        """Messages out of the ring, or the title of a large one."""
        words, content = self._words, self._bytes
        head, tail = words[_HEAD], words[_TAIL]
        messages: list[Message] = []
        title = None
        while head != tail and len(messages) < most:
            at = head % _SIZE
            word = _BEGIN + at >> 3
            length = words[word]
            if length == _SKIP:
                head += _SIZE - at
                continue
            kind = words[word + 3]
            if kind & _THROUGH_PIPE:
                if messages:
                    break
                self._acquire(self._reads_large)  # in the order of the ring
                title = length, words[word + 1], words[word + 2], kind
                head += _TITLE
                break
            at += _BEGIN + _TITLE
            messages.append((words[word + 1], words[word + 2], kind, content[at : at + length].tobytes()))
            head += _TITLE + (length + 7 & -8)
        words[_HEAD] = head
        return messages, title

    # --- large messages ---

    def _put_large(self, one: int, two: int, kind: int, body: Any) -> None:
        self._acquire(self._writes_large)
        try:
            self.put([(one, two, kind | _THROUGH_PIPE, body)])
            self._write_through(memoryview(body))
        finally:
            self._writes_large.release()

    def _take_large(self, length: int, one: int, two: int, kind: int) -> Message:
        try:
            return one, two, kind & ~_THROUGH_PIPE, self._read_through(length)
        finally:
            self._reads_large.release()

    def _write_through(self, rest: memoryview) -> None:
        pipe = self._large[1].fileno()
        poll = select.poll()
        poll.register(pipe, select.POLLOUT)
        while rest:
            if poll.poll(_LOOK * 1000):
                with suppress(BlockingIOError):
                    rest = rest[os.write(pipe, rest) :]
            else:
                self._check()

    def _read_through(self, length: int) -> bytearray:
        pipe = self._large[0].fileno()
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        body = bytearray(length)
        rest = memoryview(body)
        while rest:
            if poll.poll(_LOOK * 1000):
                count = os.readv(pipe, [rest])
                if count == 0:
                    raise Gone
                rest = rest[count:]
            else:
                self._check()
        return body

    # --- waiting for others ---

    def _enter(self) -> None:
        self._acquire(self._lock)

    def _acquire(self, lock: Any) -> None:
        """Take a lock that a process may have had that was killed."""
        if not lock.acquire(False):
            while not lock.acquire(True, _LOOK):
                self._check()

    def _check(self) -> None:
        parent = multiprocessing.parent_process()
        if self._given_up or (parent is not None and not parent.is_alive()):
            raise Gone

    def _count_out(self, messages: int) -> int:
        """How many of those who sleep are to be woken."""
        woken = min(self._words[_SLEEPERS], messages)
        self._words[_SLEEPERS] -= woken
        return woken

    def _wake(self, pipe: Any, count: int) -> None:
        if count:
            os.write(pipe[1].fileno(), b"!" * count)

    def _sleep(self, pipe: Any) -> None:
        if self._given_up or not os.read(pipe[0].fileno(), 1) or self._given_up:
            raise Gone


def _is_large(message: Message) -> bool:
    return len(message[3]) > _LARGE and not message[2] & _THROUGH_PIPE
