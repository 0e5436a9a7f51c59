"""Peak memory of a training step with the head at learned places and at all places: 0.5 B parameters, LoRA.

    python benchmarks/memory_head.py [--tokens 1024] [--learned 256] [--checkpointing] [--write]

A Qwen2 of the size of Qwen2-0.5B (24 layers, width 896, 151,936 tokens; random weights, fp32), LoRA of rank 8 on every
linear layer but the head, one row, one thread. Each way is a process of its own; its peak is the most resident memory
that the system counted, and what it held before the step is given beside it.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any

from results import record


def step(full: bool, tokens: int, learned: int, checkpointing: bool) -> dict[str, Any]:
    """One step; memory in MiB."""
    from array import array

    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from iepile.training.data import Example
    from iepile.training.layouts.padded import collate
    from iepile.training.loss import AnswerLoss

    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(Qwen2Config(
        vocab_size=151_936, hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14,
        num_key_value_heads=2, max_position_embeddings=4096, tie_word_embeddings=True))
    model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, task_type="CAUSAL_LM", target_modules="all-linear"))
    if checkpointing:
        model.get_base_model().activation_checkpointing_enable({"use_reentrant": False})
        model.enable_input_require_grads()
    model.train()
    ids = array("i", torch.randint(0, 151_936, (tokens,)).tolist())
    batch = collate([Example(ids, tokens - learned)], 0)
    loss = AnswerLoss(model, torch.device("cpu"), None, full_logits=full)
    before = resident()
    began = time.process_time()
    value = loss(model, batch) / batch.targets
    value.backward()
    return {"peak MiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024), "before MiB": before,
            "CPU seconds": round(time.process_time() - began, 1), "loss": round(value.item(), 5),
            "parameters": sum(p.numel() for p in model.parameters())}


def resident() -> int:
    """MiB held now."""
    with open("/proc/self/statm") as f:
        return round(int(f.read().split()[1]) * resource.getpagesize() / 2**20)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=1024)
    parser.add_argument("--learned", type=int, default=256, help="of them, at the end of the row")
    parser.add_argument("--checkpointing", action="store_true", help="gradient checkpointing")
    parser.add_argument("--way", choices=("learned", "all"), help="only this one")
    parser.add_argument("--write", action="store_true", help="record the figures in benchmarks/results")
    options = parser.parse_args()
    if options.way:
        print(json.dumps(step(options.way == "all", options.tokens, options.learned, options.checkpointing)))
        return 0
    found = {way: json.loads(subprocess.run([sys.executable, *sys.argv, "--way", way], check=True, text=True,
                                            capture_output=True).stdout.splitlines()[-1]) for way in ("all", "learned")}
    above = {way: f["peak MiB"] - f["before MiB"] for way, f in found.items()}
    record("memory_head" + ("_checkpointing" if options.checkpointing else ""), options.write, {
        "head at all places": found["all"], "head at learned places": found["learned"],
        "above the model, MiB": above, "saved MiB": found["all"]["peak MiB"] - found["learned"]["peak MiB"]})
    return 0


if __name__ == "__main__":
    sys.exit(main())
