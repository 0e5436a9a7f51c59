"""How fast a run goes, how long it will take, and how much memory it needed.

The figures go to `speed.jsonl` and to whoever watches the run; `train_log.jsonl` holds none of them, so that a resumed
run writes the same log.

>>> now = iter([0.0, 2.0, 4.0])
>>> speed = Speed(total=10, clock=lambda: next(now))
>>> speed.step(5, tokens=900, answer_tokens=100)
>>> speed.step(6, tokens=1100, answer_tokens=100)
>>> figures = speed.figures()
>>> figures.tokens_per_second, figures.seconds_left
(500.0, 8.0)
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

WINDOW = 50
"""Steps that the figures are taken from."""


@dataclass(frozen=True)
class Figures:
    """The speed of the last steps."""

    tokens_per_second: float
    """Tokens that went through the model, padding not counted, in all processes."""
    answer_tokens_per_second: float
    """Tokens that were learned."""
    steps_per_second: float
    seconds_left: float
    """Until the last step, pauses for measurements and checkpoints included as far as they came up so far."""
    memory_bytes: int
    """Most memory held so far: of the GPU, else of the process; 0 where the system does not tell."""


class Loss(float):
    """A loss for whoever watches the run, with the speed at that step."""

    figures: Figures

    def __new__(cls, loss: float, figures: Figures) -> Loss:
        """A number like any other, and `figures`."""
        made = super().__new__(cls, loss)
        made.figures = figures
        return made


class Speed:
    """Times the steps of one call; a resumed run starts with an empty window, so its figures are right at once."""

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        """`total`: steps of the whole run."""
        self.total, self._clock = total, clock
        self._last = clock()
        self._paused = 0.0
        """Seconds of pauses since the last step."""
        self._pauses = 0.0
        self._pausing = False
        self._steps = 0
        self._step = 0
        self._window: deque[tuple[float, int, int]] = deque(maxlen=WINDOW)
        """(Seconds, tokens, answer tokens) of each step."""

    def step(self, step: int, tokens: int, answer_tokens: int) -> None:
        """A step, counted from 1, is done."""
        now = self._clock()
        self._window.append((max(now - self._last - self._paused, 1e-9), tokens, answer_tokens))
        self._last, self._paused = now, 0.0
        self._step = step
        self._steps += 1

    @contextmanager
    def pause(self) -> Iterator[None]:
        """What is done inside is no training: a measurement, a checkpoint. A pause within a pause adds nothing."""
        began, within = self._clock(), self._pausing
        self._pausing = True
        try:
            yield
        finally:
            self._pausing = within
            gone = 0.0 if within else self._clock() - began
            self._paused += gone
            self._pauses += gone

    def figures(self) -> Figures:
        """The speed now; needs one step."""
        seconds = sum(s for s, _, _ in self._window)
        count = len(self._window)
        left = (seconds / count + self._pauses / self._steps) * max(self.total - self._step, 0)
        return Figures(
            sum(t for _, t, _ in self._window) / seconds, sum(a for _, _, a in self._window) / seconds,
            count / seconds, left, peak_memory(),
        )


def peak_memory() -> int:
    """Most bytes held so far: on the GPU where torch uses one, else by this process; 0 where nobody tells."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        return int(torch.cuda.max_memory_allocated())
    try:
        import resource
    except ImportError:  # Windows
        return 0
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held if sys.platform == "darwin" else held * 1024


def clock_text(seconds: float) -> str:
    """Time for people.

    >>> clock_text(93_784), clock_text(61)
    ('1 d 02:03:04', '0:01:01')
    """
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    days, h = divmod(hours, 24)
    return f"{days} d {h:02}:{m:02}:{s:02}" if days else f"{h}:{m:02}:{s:02}"
