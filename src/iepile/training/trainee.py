"""The model in training: weights, optimizer, one step. What `tune` does with it is in tune.py."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional as F

from iepile.errors import InputError, MissingDependency
from iepile.models.card import ModelCard, model_folder, write_card
from iepile.models.chat import Chat
from iepile.models.families import ALL_LINEAR, lora_targets
from iepile.models.load import Loaded, LoadOptions, load_model, quiet, vendor_errors
from iepile.training.config import TrainConfig
from iepile.training.data import IGNORE, Batch

OPTIMIZER = "optimizer.safetensors"


class Trainee:
    """A model, its optimizer and its chat."""

    def __init__(self, loaded: Loaded, chat: Chat, card: ModelCard, config: TrainConfig) -> None:
        self.model, self.tokenizer, self.chat, self.card = loaded.model, loaded.tokenizer, chat, card
        self.context = loaded.context
        self.device = next(self.model.parameters()).device
        self.limit = config.max_grad_norm
        self.rate = self.grad_norm = math.nan
        self._half = torch.bfloat16 if config.bf16 else torch.float16 if config.fp16 else None
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=config.fp16)
        base = self.model.get_base_model() if hasattr(self.model, "get_base_model") else self.model
        known = inspect.signature(base.forward).parameters
        self._accepts = {name for name in ("position_ids", "logits_to_keep") if name in known}
        if config.gradient_checkpointing:
            # Renamed in transformers 5.
            enable = getattr(base, "activation_checkpointing_enable", None) or base.gradient_checkpointing_enable
            enable({"use_reentrant": False})
        self.trained = {n: p for n, p in self.model.named_parameters() if p.requires_grad}
        # Vectors (norms, biases) do not decay.
        groups = [
            {"params": [p for p in self.trained.values() if p.ndim > 1], "weight_decay": config.weight_decay},
            {"params": [p for p in self.trained.values() if p.ndim <= 1], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW([g for g in groups if g["params"]], lr=config.rate, betas=(0.9, 0.999))

    def step(self, batches: Sequence[Batch], rate: float, seed: int) -> float:
        """One optimizer step on some batches; returns the sum of the losses of their answer tokens."""
        torch.manual_seed(seed % 2**63)
        self.model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.rate = rate
        tokens = sum(b.targets for b in batches)
        total = 0.0
        for batch in batches:
            loss = self._loss(batch)
            total += float(loss.detach())
            self._scaler.scale(loss / tokens).backward()
        self._scaler.unscale_(self.optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self.trained.values(), self.limit or math.inf)
        self.grad_norm = float(norm)
        self._scaler.step(self.optimizer)
        self._scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        return total

    def measure(self, batch: Batch) -> float:
        """Sum of the losses of the answer tokens, without learning."""
        self.model.eval()
        with torch.no_grad():
            return float(self._loss(batch))

    def _loss(self, batch: Batch) -> torch.Tensor:
        # Answers end together on the right, so the head is computed for the last `keep` places alone.
        more: dict[str, Any] = {}
        if "position_ids" in self._accepts:
            more["position_ids"] = batch.position_ids.to(self.device)
        if "logits_to_keep" in self._accepts:
            more["logits_to_keep"] = batch.keep
        with torch.autocast(self.device.type, self._half, enabled=self._half is not None):
            logits = self.model(
                input_ids=batch.input_ids.to(self.device), attention_mask=batch.attention_mask.to(self.device),
                use_cache=False, **more,
            ).logits
        labels = batch.labels[:, -batch.keep :][:, 1:].to(self.device)
        learned = labels != IGNORE
        return F.cross_entropy(logits[:, -batch.keep : -1][learned].float(), labels[learned], reduction="sum")

    def save(self, folder: Path) -> None:
        """Write weights (or adapter), tokenizer and card into a folder."""
        with vendor_errors(str(folder)), quiet():
            adapter = {"save_embedding_layers": False} if hasattr(self.model, "peft_config") else {}
            self.model.save_pretrained(folder, **adapter)
            self.tokenizer.save_pretrained(folder)
        write_card(folder, self.card)

    def save_optimizer(self, folder: Path) -> None:
        """Write the optimizer's state by parameter name."""
        state = {f"{name}|{key}": value.contiguous()
                 for name, p in self.trained.items() for key, value in sorted(self.optimizer.state[p].items())}
        save_file(state, folder / OPTIMIZER)

    def load_optimizer(self, folder: Path, scaler: dict[str, Any]) -> None:
        """Read what `save_optimizer` wrote."""
        saved = load_file(folder / OPTIMIZER)
        for key, value in saved.items():
            name, _, kind = key.rpartition("|")
            p = self.trained[name]
            self.optimizer.state[p][kind] = value if kind == "step" else value.to(p.device)
        if scaler:
            self._scaler.load_state_dict(scaler)

    def scaler_state(self) -> dict[str, Any]:
        """State of the loss scaling, as JSON."""
        return dict(self._scaler.state_dict())


def start_trainee(config: TrainConfig, resume: Path | None) -> Trainee:
    """Load the model, ready to train.

    Args:
        resume: checkpoint to take the weights from.

    Raises:
        InputError: the model cannot be loaded, or not be tuned this way.
    """
    lora = config.finetuning_type == "lora"
    half = "bf16" if config.bf16 else "fp16" if config.fp16 else "fp32"
    options = LoadOptions(half if lora else "fp32", config.device, config.checkpoint_dir, config.trust_remote_code,
                          config.revision)
    name = str(resume) if resume else config.model_name_or_path
    if resume:
        options = LoadOptions(options.dtype, options.device, "", options.trust_remote_code, options.revision)
    loaded = load_model(name, options, trainable=lora)
    if not lora and loaded.adapter:
        raise InputError("the model is an adapter, and all weights are to be tuned", file=config.model_name_or_path,
                         field="finetuning_type", fix="use finetuning_type lora, or merge the adapter first")
    card = loaded.card or ModelCard()
    template = config.template or card.template
    system = config.system_prompt or card.system
    chat = Chat(loaded.tokenizer, template, system)
    folder = model_folder(loaded.name)
    base = card.base_model if resume else str(folder.resolve()) if folder else loaded.name
    card = ModelCard(template=chat.name, system=system, base_model=base, version=_version())
    if lora and not loaded.adapter:
        torch.manual_seed(config.seed)
        loaded = Loaded(_add_lora(loaded.model, config, base), loaded.tokenizer, card, loaded.name)
    return Trainee(loaded, chat, card, config)


def _add_lora(model: Any, config: TrainConfig, base: str) -> Any:
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise MissingDependency("peft", "train", "LoRA") from None
    asked = [t.strip() for t in config.lora_target_modules.split(",") if t.strip()]
    targets: Any = asked or lora_targets(model.config.model_type, (n for n, _ in model.named_modules()))
    if ALL_LINEAR in asked:
        targets = ALL_LINEAR
    names = sorted({n.rpartition(".")[2] for n, m in model.named_modules() if isinstance(m, torch.nn.Linear)})
    try:
        with quiet():
            made = get_peft_model(model, LoraConfig(
                r=config.lora_r, lora_alpha=config.lora_alpha, lora_dropout=config.lora_dropout,
                target_modules=targets, bias="none", task_type="CAUSAL_LM",
            ))
    except ValueError as e:
        raise InputError(f"LoRA cannot be put on {targets}: {str(e)[:200]}", field="lora_target_modules",
                         expected=", ".join(names)) from e
    # The name the user gave may be relative to a folder that nobody stands in later.
    made.peft_config["default"].base_model_name_or_path = base
    return made


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("iepile")
    except PackageNotFoundError:
        return ""
