"""One run of LLaMA-Factory, for peer_speed.py: run by the Python that has it, prints its figures as JSON.

    PEER_PYTHON benchmarks/peer_llamafactory.py SETTINGS.json [--ids IDS.json]

With `--ids` it does not train: it writes the token ids and labels that it would train on.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def write_ids(settings: dict, path: str) -> None:
    """What LLaMA-Factory makes of the rows."""
    from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
    from llamafactory.hparams import get_train_args
    from llamafactory.model import load_tokenizer

    model_args, data_args, training_args, _, _ = get_train_args(settings)
    module = load_tokenizer(model_args)
    template = get_template_and_fix_tokenizer(module["tokenizer"], data_args)
    rows = get_dataset(template, model_args, data_args, training_args, stage="sft", **module)["train_dataset"]
    Path(path).write_text(json.dumps([[r["input_ids"], r["labels"]] for r in rows]))


def main() -> None:
    settings = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    import torch
    from llamafactory.train.tuner import run_exp
    from transformers import TrainerCallback

    torch.set_num_threads(1)
    if "--ids" in sys.argv:
        write_ids(settings, sys.argv[sys.argv.index("--ids") + 1])
        return

    class Clock(TrainerCallback):
        """CPU time from the end of the first step to the end of the last."""

        def on_step_end(self, args, state, control, **_):
            self.last = time.process_time()
            if state.global_step == 1:
                self.first = self.last

    clock = Clock()
    run_exp(settings, callbacks=[clock])
    print(json.dumps({"seconds": clock.last - clock.first}))


if __name__ == "__main__":
    main()
