"""Chat templates: how a model family reads a question. One renderer serves training and generation.

A template is one Jinja file of `templates/`. It may use `query`, `system`, `bos`, `eos`, `token("<x>")` (a special
token the tokenizer must have), `marker("<x>")` (a special token where the tokenizer has it, else plain text) and
`cut` (text before and after is encoded apart, as the models were trained). It may set `default_system`, `end` (the
token that ends an answer, in place of the tokenizer's own) and `stop` (tokens that end one as well).

The name `tokenizer` stands for the tokenizer's own chat template.

>>> chat = Chat(tokenizer, "qwen")  # doctest: +SKIP
>>> chat.prompt_ids('{"instruction": ...}') + chat.answer_ids('{"person": []}')  # doctest: +SKIP

Templates never see the question: it is put in between their pieces and encoded with special tokens taken for plain
text, so that no text can speak in the system's or the model's name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import msgspec

from iepile.errors import InputError

OWN = "tokenizer"
"""Name of the template that comes with the tokenizer."""
FALLBACK = "alpaca"
"""The template where nothing else is known."""
_QUERY = "question4f1d2c"
_SYSTEM = "system4f1d2c"
_OWN_SETTINGS: dict[str, Any] = {"enable_thinking": False, "date_string": "26 Jul 2024"}
"""Fixed so that the same question gives the same prompt on any day; extraction wants no thinking aloud."""


class Part(msgspec.Struct, frozen=True):
    """A piece of a template."""

    kind: Literal["text", "query", "system", "bos", "eos", "token", "marker", "cut"]
    text: str = ""


class Template(msgspec.Struct, frozen=True):
    """A parsed template."""

    name: str
    parts: tuple[Part, ...]
    """Pieces in order, for a prompt with the system sentence that was asked for."""
    system: str = ""
    """The system sentence, empty for none."""
    end: str = ""
    """Token that ends an answer; empty: the tokenizer's end-of-sequence token."""
    stop: tuple[str, ...] = ()
    """Further tokens that end an answer."""


def template_names() -> tuple[str, ...]:
    """Names of the shipped templates and of the tokenizer's own, sorted."""
    folder = files("iepile.models").joinpath("templates")
    return tuple(sorted([f.name.removesuffix(".jinja") for f in folder.iterdir() if f.name.endswith(".jinja")] + [OWN]))


def default_template(tokenizer: Any) -> str:
    """The template for a model whose own choice is not known: the tokenizer's, else `alpaca`."""
    return OWN if getattr(tokenizer, "chat_template", None) else FALLBACK


@cache
def read_template(name: str, system: str | None = None) -> Template:
    """Parse a shipped template.

    Args:
        system: the system sentence; None: the template's own; empty: none.

    Raises:
        InputError: no template of that name.
    """
    if name not in template_names() or name == OWN:
        raise InputError(f"unknown template {name!r}", field="template", expected=", ".join(template_names()))
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def mark(kind: str, text: str = "") -> str:
        return f"\0{kind} {text}\0"

    source = files("iepile.models").joinpath("templates", f"{name}.jinja").read_text("utf-8")
    template = ImmutableSandboxedEnvironment(undefined=StrictUndefined).from_string(source)
    given: dict[str, Any] = {k: mark(k) for k in ("query", "bos", "eos", "cut")}
    given |= {k: lambda text, k=k: mark(k, text) for k in ("token", "marker")}
    settings: Any = template.make_module(given | {"system": ""})
    sentence = getattr(settings, "default_system", "") if system is None else system
    pieces = template.render(given | {"system": mark("system") if sentence else ""}).split("\0")
    marked: Any = [("text", p) if n % 2 == 0 else p.split(" ", 1) for n, p in enumerate(pieces)]
    parts = [Part(*m) for m in marked]
    return Template(
        name,
        tuple(p for p in parts if p.kind != "text" or p.text),
        sentence,
        getattr(settings, "end", ""),
        tuple(getattr(settings, "stop", ())),
    )


class Chat:
    """A tokenizer with a template: token ids of prompts and answers.

    Raises:
        InputError: unknown template, or one whose special tokens the tokenizer lacks.
    """

    def __init__(self, tokenizer: Any, template: str = "", system: str | None = None) -> None:
        """`template` empty: see `default_template`. `system` None: the template's own sentence."""
        self.tokenizer = tokenizer
        self.name = template or default_template(tokenizer)
        self.system = system
        self._plain = PlainEncoder(tokenizer)
        self._parts = self._own_parts() if self.name == OWN else read_template(self.name, system)
        end, stop = self._parts.end, self._parts.stop
        self.end_id = self._special(end) if end else self._eos()
        """The token that ends an answer."""
        known = [i for s in stop if (i := self._lookup(s)) is not None]
        own_end = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
        self.stop_ids: tuple[int, ...] = tuple(dict.fromkeys([self.end_id, *own_end, *known]))
        """Every token that ends an answer."""
        self._runs = self._compile()
        self._control = sorted(_control_tokens(tokenizer))

    def prompt_ids(self, query: str) -> list[int]:
        """Token ids of the prompt, up to where the answer begins. Nothing is cut."""
        if self.name == OWN and not any(t in query for t in self._control):
            # Nothing to protect from: encode as every other program does, blanks around tokens included.
            said = {"query": query, "system": self._parts.system}
            text = "".join(said.get(p.kind, p.text) for p in self._parts.parts)
            return list(self.tokenizer.encode(text, add_special_tokens=False))
        ids: list[int] = []
        for run in self._runs:
            if isinstance(run, int):
                ids.append(run)
            else:
                ids += self._plain("".join(query if p.kind == "query" else p.text for p in run))
        return ids

    def answer_ids(self, answer: str) -> list[int]:
        """Token ids of an answer with the token that ends it."""
        return [*self._plain(answer), self.end_id]

    def _own_parts(self) -> Template:
        if not getattr(self.tokenizer, "chat_template", None):
            raise InputError(
                "the tokenizer has no chat template of its own",
                field="template",
                fix="name one: " + ", ".join(n for n in template_names() if n != OWN),
            )
        messages = [{"role": "system", "content": _SYSTEM}] if self.system else []
        try:
            text = self.tokenizer.apply_chat_template(
                [*messages, {"role": "user", "content": _QUERY}],
                tokenize=False,
                add_generation_prompt=True,
                **_OWN_SETTINGS,
            )
        except Exception as e:  # whatever the vendor's Jinja code raises
            raise InputError(f"the tokenizer's chat template failed: {e}", field="template",
                             fix="name another template, or leave the system sentence out") from e
        if text.count(_QUERY) != 1 or text.count(_SYSTEM) != len(messages):
            raise InputError("the tokenizer's chat template does not state the question exactly once",
                             field="template", fix="name another template")
        # Special tokens stand as text in what the template wrote; the question is not in there yet.
        names = sorted(_control_tokens(self.tokenizer), key=lambda t: (-len(t), t))
        pattern = "|".join(map(re.escape, [_QUERY, _SYSTEM, *names]))
        parts: list[Part] = []
        for n, piece in enumerate(re.split(f"({pattern})", text)):
            if piece == _QUERY:
                parts.append(Part("query"))
            elif piece == _SYSTEM:
                parts.append(Part("system"))
            elif piece:
                parts.append(Part("token" if n % 2 else "text", piece))
        return Template(OWN, tuple(parts), self.system or "")

    def _compile(self) -> list[int | list[Part]]:
        """Special tokens as ids; between them, runs of text that are encoded as one."""
        t = self.tokenizer
        runs: list[int | list[Part]] = []
        fresh = True
        for p in self._parts.parts:
            found: int | None = None
            if p.kind == "bos":
                if _wants_bos(t):
                    runs.append(t.bos_token_id)
                fresh = True
                continue
            if p.kind == "cut":
                fresh = True
                continue
            if p.kind == "eos":
                found = self._eos()
            elif p.kind == "token":
                found = self._special(p.text)
            elif p.kind == "marker":
                found = self._lookup(p.text) if p.text in _control_tokens(t) else None
            if found is not None:
                runs.append(found)
                fresh = True
                continue
            if p.kind == "system":
                p = Part("text", self._parts.system)
            if fresh or isinstance(runs[-1], int):
                runs.append([])
            last = runs[-1]
            assert isinstance(last, list)
            last.append(p)
            fresh = False
        return runs

    def _lookup(self, token: str) -> int | None:
        found = self.tokenizer.convert_tokens_to_ids(token)
        if found is None or (found == self.tokenizer.unk_token_id and token != self.tokenizer.unk_token):
            return None
        return int(found)

    def _special(self, token: str) -> int:
        found = self._lookup(token)
        if found is None:
            raise InputError(
                f"template {self.name} needs the token {token}, which this tokenizer lacks",
                field="template",
                fix=f"choose the template the model was trained with ({OWN}: its own; {FALLBACK}: for any model)",
            )
        return found

    def _eos(self) -> int:
        found = self.tokenizer.eos_token_id
        if found is None:
            found = self._lookup("<|endoftext|>")
        if found is None:
            raise InputError("the tokenizer has no end-of-sequence token", field="model_name_or_path",
                             fix='set "eos_token" in its tokenizer_config.json')
        return int(found)


def render(tokenizer: Any, instruction: str, template: str, system: str | None = None) -> list[int]:
    """Token ids of one prompt. For many, make one `Chat` and keep it: preparing a tokenizer takes time."""
    return Chat(tokenizer, template, system).prompt_ids(instruction)


def answer_ids(tokenizer: Any, answer: str, template: str) -> list[int]:
    """Token ids of one answer with the token that ends it; see `render`."""
    return Chat(tokenizer, template).answer_ids(answer)


class PlainEncoder:
    """Encodes text so that no special token comes of it, whatever the text says."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        control = _control_tokens(tokenizer)
        self._forbidden = {tokenizer.convert_tokens_to_ids(t) for t in sorted(control)} - {tokenizer.unk_token_id}
        self._backend = _without_control_tokens(tokenizer, control)

    def __call__(self, text: str) -> list[int]:
        """Token ids of `text`, nothing added.

        Raises:
            InputError: this tokenizer makes a special token of the text even when told not to.
        """
        if self._backend is not None:
            ids: list[int] = self._backend.encode(text, add_special_tokens=False).ids
        else:
            ids = self._tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
        if not self._forbidden.isdisjoint(ids):
            bad = next(i for i in ids if i in self._forbidden)
            raise InputError(
                f"the text holds {self._tokenizer.convert_ids_to_tokens(bad)!r}, a control token of this tokenizer",
                fix="remove it from the text",
            )
        return ids


def control_text(tokenizer: Any, texts: Iterable[str]) -> bool:
    """Whether any of the texts contains a control token of the tokenizer, spelled out."""
    names = sorted(_control_tokens(tokenizer))
    return any(n in text for text in texts for n in names)


def _wants_bos(tokenizer: Any) -> bool:
    """Whether prompts of this tokenizer begin with its first token: as its settings say, else as it does itself."""
    if tokenizer.bos_token_id is None:
        return False
    said = getattr(tokenizer, "init_kwargs", {}).get("add_bos_token")
    return bool(tokenizer.encode("a")[0] == tokenizer.bos_token_id) if said is None else bool(said)


def _control_tokens(tokenizer: Any) -> frozenset[str]:
    """Tokens that steer a model. Words and blanks which users or vendors added as tokens are none."""
    added = getattr(tokenizer, "added_tokens_decoder", {}) or {}
    found = {str(t) for t in added.values() if (getattr(t, "special", True) or str(t)[:1] in "<[{|") and str(t).strip()}
    return frozenset(found | set(getattr(tokenizer, "all_special_tokens", ())))


def _without_control_tokens(tokenizer: Any, control: frozenset[str]) -> Any | None:
    """A copy of a fast tokenizer that reads control tokens as text; None for one written in Python."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return None
    from tokenizers import Tokenizer

    state = json.loads(backend.to_str())
    for token in state["added_tokens"]:
        token["special"] = token["special"] or token["content"] in control
    state["padding"] = state["truncation"] = None
    copy = Tokenizer.from_str(json.dumps(state))
    copy.encode_special_tokens = True
    return copy
