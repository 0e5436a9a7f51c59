"""What processes of a run tell each other beside the work: that one failed, so that the others do not wait for it.

A process that fails claims the failure in the store of the run; it alone reports it. The others notice within a
second, even while they wait in a collective operation, and end without a word. A process that is killed cannot
claim: its neighbour misses its heartbeat.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

PERIOD = 0.5
"""Seconds between looks at the store."""
GRACE = 3.0
"""Seconds between noticing a failure and ending: time for the process that failed to say why."""
SILENCE = 300.0
"""Seconds without a heartbeat after which a process counts as lost."""


class Watch:
    """Watches the store in a thread of its own.

    Args:
        store: a client of the run's key-value store, used by nothing else.
    """

    def __init__(self, store: Any, rank: int, size: int, silence: float = SILENCE) -> None:
        self.store, self.rank, self.size, self.silence = store, rank, size, silence
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, name="iepile watch", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._done.set()
        self._thread.join()

    def claim(self, code: int) -> bool:
        """Say that this process failed; False when another one did before.

        Waits a moment until the others know, because the store may end with this process.
        """
        self.stop()
        try:
            first = f"{self.rank} {code}"
            won = bool(self.store.compare_set("failed", "", first).decode() == first)
            self.store.set(f"knows {self.rank}", "1")
            until = time.monotonic() + GRACE
            others = [f"knows {r}" for r in range(self.size)]
            while won and time.monotonic() < until and not self.store.check(others):
                time.sleep(0.05)
            return won
        except RuntimeError:
            # The store is gone with the first process. What it had to say, it said; if it was killed, one of us does.
            return self.rank == 1

    def _look(self) -> None:
        neighbour, beat = (self.rank + 1) % self.size, 0
        heard, since = b"", time.monotonic()
        while not self._done.wait(PERIOD):
            try:
                beat += 1
                self.store.set(f"beat {self.rank}", str(beat))
                if self.store.check(["failed"]):
                    code = int(self.store.get("failed").split()[1])
                    self.store.set(f"knows {self.rank}", "1")
                    self._end(code, "")
                now = time.monotonic()
                said = self.store.get(f"beat {neighbour}") if self.store.check([f"beat {neighbour}"]) else b""
                if said != heard:
                    heard, since = said, now
                elif now - since > self.silence:
                    lost = f"process {neighbour} of the run has not answered for {self.silence:.0f} seconds"
                    mine = f"{self.rank} 1"
                    self._end(1, lost if self.store.compare_set("failed", "", mine).decode() == mine else "")
            except RuntimeError:
                self._end(1, "the first process of the run is gone" if self.rank == 1 else "")

    def _end(self, code: int, message: str) -> None:
        if self._done.wait(GRACE):
            return
        if message:
            print(f"error: {message}\n  do:       run the same command with resume_from_checkpoint true to go on",
                  file=sys.stderr, flush=True)
        # The main thread may wait in a library for a process that is no more: nothing gentler would end it.
        os._exit(code)
