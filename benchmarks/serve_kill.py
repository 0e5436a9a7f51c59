"""kill -9 of the service in the middle of a job of 500 documents: is the result the same to the byte, and what is lost?

    python benchmarks/serve_kill.py [--documents 500] [--kills 10] [--seed 0] [--write]

`iepile serve` runs as a process with a compact model of random weights that finds something in every text. The same
documents are handed in twice: to a service that is left alone, and to one that is killed at random moments and started
again on its folder. The limit: every kill falls into the middle, the results are equal, nothing is lost or doubled.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from results import record

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from served_models import SCHEMA, TEXTS, talkative
from service_client import ServiceProcess

SENTENCES = 40


def documents(count: int) -> list[dict[str, Any]]:
    """Texts of some 40 sentences each, none like another."""
    return [{"id": f"d{n}",
             "text": " ".join(TEXTS[(n * 7 + k * (1 + n % 5)) % len(TEXTS)] for k in range(SENTENCES + n % 3))}
            for n in range(count)]


def journal(data: Path, id_: str) -> Path:
    """The journal of a job."""
    return data / "jobs" / id_ / "result.jsonl.journal"


def size(path: Path) -> int:
    """Bytes; 0: it is not there."""
    return path.stat().st_size if path.exists() else 0


def main() -> None:
    """Run both, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=500)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    body = {"documents": documents(given.documents), "schema": SCHEMA, "settings": {"orders": 4, "window": 64}}
    rng = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        model = talkative(folder / "model")
        with ServiceProcess(model, folder / "calm", by_command=True) as calm:
            id_ = calm.client.post("/v1/documents", body).json()["id"]
            job = calm.client.ended(id_, 3600)
            seconds = job["finished"] - job["started"]
            whole = calm.client.get(f"/v1/documents/{id_}/result").body
            counts = job["counts"]
        service = ServiceProcess(model, folder / "torn", by_command=True)
        torn, kills, back = killed(service, body, seconds, given.kills, rng)
    ids = [json.loads(line)["id"] for line in torn.splitlines()]
    record("serve_kill", given.write, {
        "documents": given.documents, "seconds undisturbed": round(seconds, 1), "counts": counts,
        "kills in the middle": kills, "seconds from start to the first new answer": back,
        "equal to the byte": torn == whole, "documents lost": given.documents - len(set(ids)),
        "documents doubled": len(ids) - len(set(ids)),
        "sha256": {"undisturbed": hashlib.sha256(whole).hexdigest(), "killed": hashlib.sha256(torn).hexdigest()},
    })
    if torn != whole or kills < given.kills:
        sys.exit("not shown: the results differ, or the job was over before it was killed often enough")


def killed(service: ServiceProcess, body: dict[str, Any], seconds: float, most: int, rng: random.Random
           ) -> tuple[bytes, int, list[float]]:
    """The result of a job whose service is killed; kills in its middle; seconds until each restart answered anew."""
    back: list[float] = []
    with service:
        id_ = service.client.post("/v1/documents", body).json()["id"]
        path, before, kills = journal(service.data, id_), 0, 0
        for kill in range(most):
            began = time.monotonic()
            if kill:
                service.launch()
            while size(path) <= before and not (before and not size(path)):
                if not service.alive:
                    raise SystemExit(service.log.read_text("utf-8", "replace"))
                time.sleep(0.002)
            if kill:
                back.append(round(time.monotonic() - began, 2))
            time.sleep(rng.random() * seconds / most / 2)
            service.end()
            before = size(path)
            kills += bool(before)
        service.start()
        job = service.client.ended(id_, 3600)
        if job["state"] != "done":
            raise SystemExit(f"the job ended as {job}")
        return service.client.get(f"/v1/documents/{id_}/result").body, kills, back


if __name__ == "__main__":
    main()
