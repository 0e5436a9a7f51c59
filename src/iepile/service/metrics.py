"""What the service counts, in the text form of Prometheus: requests, questions, tokens, queues, jobs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from iepile.service.job import State

if TYPE_CHECKING:
    from iepile.service.app import Service

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024)
MEDIA = CONTENT_TYPE_LATEST


class Metrics:
    """The figures of one application; several in one process do not meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("iepile_requests", "Requests answered.", ("method", "route", "status"),
                                registry=self.registry)
        self.seconds = Histogram("iepile_request_seconds", "Seconds from a request to the end of its answer.",
                                 ("route",), buckets=SECONDS, registry=self.registry)
        self.running = Gauge("iepile_requests_running", "Requests in work.", registry=self.registry)
        self.refused = Counter("iepile_requests_refused", "Requests turned away before anything worked on them.",
                               ("reason",), registry=self.registry)

    def watch(self, service: Service) -> None:
        """Tell of the models and jobs of a service too."""
        self.registry.register(_Held(service))

    def text(self) -> bytes:
        """All figures."""
        return generate_latest(self.registry)


class _Held(Collector):
    """Figures that models and jobs keep themselves; read when they are asked for."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def describe(self) -> list[Any]:
        return []

    def collect(self) -> Iterator[Any]:
        models = self._service.models
        counted = {name: CounterMetricFamily(f"iepile_{name}", about, labels=("model",)) for name, about in (
            ("questions", "Questions answered."), ("tokens", "Tokens generated."),
            ("prompt_tokens", "Tokens of prompts, where the engine tells."),
            ("engine_failures", "Times that an engine failed."))}
        waiting = GaugeMetricFamily("iepile_questions_waiting", "Questions of requests that are not begun.",
                                    labels=("model",))
        sizes = HistogramMetricFamily("iepile_batch_size", "Questions answered together.", labels=("model",))
        for name in models:
            engine = models[name]
            for counter, value in (("questions", engine.questions), ("tokens", engine.tokens),
                                   ("prompt_tokens", engine.prompt_tokens), ("engine_failures", engine.failures)):
                counted[counter].add_metric((name,), value)
            waiting.add_metric((name,), engine.waiting)
            found = dict(engine.sizes)
            buckets = [(str(float(most)), float(sum(n for size, n in found.items() if size <= most))) for most in SIZES]
            sizes.add_metric((name,), [*buckets, ("+Inf", float(sum(found.values())))],
                             sum(size * n for size, n in found.items()))
        jobs = GaugeMetricFamily("iepile_jobs", "Jobs by their state.", labels=("state",))
        for state in State:
            jobs.add_metric((state.value,), self._service.jobs.store.page(0, 1, (state,))[1])
        yield from (*counted.values(), waiting, sizes, jobs)
