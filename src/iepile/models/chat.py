"""Chat: a tokenizer with a template. One renderer serves training and generation.

>>> chat = Chat(tokenizer, "qwen")  # doctest: +SKIP
>>> chat.prompt_ids('{"instruction": ...}') + chat.answer_ids('{"person": []}')  # doctest: +SKIP

The name `tokenizer` stands for the tokenizer's own chat template; the others are described in template.py. Templates
never see the question: it is put in between their pieces and encoded with special tokens taken for plain text, so
that no text can speak in the system's or the model's name.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Any

from iepile.errors import InputError
from iepile.models.families import default_templates
from iepile.models.plain import PlainEncoder, control_tokens
from iepile.models.template import FALLBACK, OWN, Part, Template, read_template, template_names

SIGNS = '{}[]":,()'
"""What the form of an answer is made of."""
_QUERY = "question4f1d2c"
_SYSTEM = "system4f1d2c"
OWN_SETTINGS: dict[str, Any] = {"enable_thinking": False, "date_string": "26 Jul 2024"}
"""Fixed so that the same question gives the same prompt on any day; extraction wants no thinking aloud."""


def default_template(tokenizer: Any, family: str = "") -> str:
    """The template where neither the user nor the model's card names one.

    The tokenizer's own; else the first of the family's whose special tokens the tokenizer has; else `alpaca`.

    Args:
        family: a family's name or one of its models' names, or a `model_type`.
    """
    if getattr(tokenizer, "chat_template", None):
        return OWN
    for name in default_templates(family):
        if all(_token_id(tokenizer, t) is not None for t in read_template(name).needs):
            return name
    return FALLBACK


class Chat:
    """A tokenizer with a template: token ids of prompts and answers.

    Raises:
        InputError: unknown template, or one whose special tokens the tokenizer lacks.
    """

    def __init__(self, tokenizer: Any, template: str = "", system: str | None = None, family: str = "",
                 encoder_decoder: bool = False) -> None:
        """`template` empty: see `default_template`. `system` None: the template's own sentence.

        For an encoder-decoder model the prompt is what the encoder reads, the answer what the decoder writes.
        """
        self.tokenizer = tokenizer
        self.name = template or default_template(tokenizer, family)
        self.encoder_decoder = encoder_decoder
        self._plain = PlainEncoder(tokenizer)
        self._control = sorted(control_tokens(tokenizer))
        # As the model's own tokenizer does for the encoder: T5 ends what it reads with </s>.
        last = tokenizer.encode("a")[-1] if encoder_decoder else None
        self.closing = [last] if last is not None and last == tokenizer.eos_token_id else []
        """What ends a prompt for an encoder."""
        self._say(system)
        end, stop = self.template.end, self.template.stop
        self.end_id = self._special(end) if end else self._eos()
        """The token that ends an answer."""
        known = [i for s in stop if (i := _token_id(tokenizer, s)) is not None]
        own_end = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
        self.stop_ids: tuple[int, ...] = tuple(dict.fromkeys([self.end_id, *own_end, *known]))
        """Every token that ends an answer."""

    def _say(self, system: str | None) -> None:
        self.system = system
        self.template = self._own_parts() if self.name == OWN else read_template(self.name, system)
        """The template with the system sentence that holds."""
        self.runs = self._compile(self.template)
        """The prompt as special tokens (ids) and, between them, runs of pieces that are encoded as one."""
        apart = None if self.name == OWN else read_template(self.name, system, with_input=True)
        self._apart = self._compile(apart) if apart is not None and apart.takes_input else None

    def with_system(self, system: str | None) -> Chat:
        """The same chat with another system sentence; None: the template's own.

        Raises:
            InputError: the tokenizer lacks a special token that goes with it.
        """
        other = copy.copy(self)
        other._say(system)
        return other

    def prompt_ids(self, query: str, text: str = "") -> list[int]:
        """Token ids of the prompt, up to where the answer begins. Nothing is cut.

        Args:
            text: the `input` of a row in the older form. It goes where the template has a place for it, else it
                follows the query on a new line.
        """
        runs = self.runs
        if text and self._apart is not None:
            runs = self._apart
        elif text:
            query = f"{query}\n{text}"
        if self.name == OWN and not any(t in query for t in self._control):
            return self._whole(self.template, {"query": query}) + self.closing
        return self._filled(runs, {"query": query, "input": text}) + self.closing

    def conversation_ids(self, said: Sequence[str]) -> list[int]:
        """Token ids of a conversation, up to where the next answer begins. Nothing is cut.

        Args:
            said: what user and model said in turn, the user first and last. One question alone has its `prompt_ids`.

        Raises:
            InputError: the tokenizer's own template takes no conversation, or a text holds a control token that cannot
                be read as text.
        """
        if len(said) == 1:
            return self.prompt_ids(said[0])
        if self.name == OWN:
            template = self._own_parts(len(said))
            texts = {f"said{n}": text for n, text in enumerate(said)}
            if not any(t in text for t in self._control for text in said):
                return self._whole(template, texts) + self.closing
            return self._filled(self._compile(template), texts) + self.closing
        ids: list[int] = []
        runs = self.runs
        for n, text in enumerate(said):
            if n % 2:
                ids += self.answer_ids(text)
                runs = self._compile(read_template(self.name, turn=n // 2 + 2))
            else:
                ids += self._filled(runs, {"query": text})
        return ids + self.closing

    def raw_ids(self, prompt: str) -> list[int]:
        """Token ids of a prompt that somebody else made: control tokens that it spells out are such."""
        return list(self.tokenizer.encode(prompt))

    def _whole(self, template: Template, said: dict[str, str]) -> list[int]:
        """Encoded as every other program does, blanks around tokens included: where there is nothing to protect
        from."""
        said = said | {"system": template.system}
        whole = "".join(said.get(p.kind, p.text) for p in template.parts)
        return list(self.tokenizer.encode(whole, add_special_tokens=False))

    def _filled(self, runs: list[int | list[Part]], said: dict[str, str]) -> list[int]:
        ids: list[int] = []
        for run in runs:
            if isinstance(run, int):
                ids.append(run)
            else:
                ids += self._plain("".join(said.get(p.kind, p.text) for p in run))
        return ids

    def answer_ids(self, answer: str) -> list[int]:
        """Token ids of an answer with the token that ends it.

        Raises:
            InputError: the tokenizer has no token for a sign of the answer's form: T5's has none for `{`.
        """
        ids = self._plain(answer)
        if self.tokenizer.unk_token_id in ids:
            unknown = [c for c in SIGNS if c in answer and self.tokenizer.unk_token_id in self._plain(c)]
            if unknown:
                raise InputError(f"the model cannot write {' '.join(unknown)}: its tokenizer has no token for it",
                                 field="model_name_or_path", fix="choose a model whose tokenizer can write JSON")
        return [*ids, self.end_id]

    def _own_parts(self, turns: int = 1) -> Template:
        """The tokenizer's own template; with more turns than one, `said0`, `said1`, ... stand for what is said."""
        if not getattr(self.tokenizer, "chat_template", None):
            raise InputError(
                "the tokenizer has no chat template of its own",
                field="template",
                fix="name one: " + ", ".join(n for n in template_names() if n != OWN),
            )
        messages = [{"role": "system", "content": _SYSTEM}] if self.system else []
        kinds = {_QUERY: "query"} if turns == 1 else {f"{_QUERY}n{n}x": f"said{n}" for n in range(turns)}
        asked = [{"role": ("user", "assistant")[n % 2], "content": mark} for n, mark in enumerate(kinds)]
        try:
            text = self.tokenizer.apply_chat_template(
                [*messages, *asked],
                tokenize=False,
                add_generation_prompt=True,
                **OWN_SETTINGS,
            )
        except Exception as e:  # whatever the vendor's Jinja code raises
            raise InputError(f"the tokenizer's chat template failed: {e}", field="template",
                             fix="name another template, or leave the system sentence out") from e
        if any(text.count(mark) != 1 for mark in kinds) or text.count(_SYSTEM) != len(messages):
            raise InputError("the tokenizer's chat template does not state the question exactly once",
                             field="template", fix="name another template")
        # Special tokens stand as text in what the template wrote; the question is not in there yet.
        names = sorted(control_tokens(self.tokenizer), key=lambda t: (-len(t), t))
        pattern = "|".join(map(re.escape, [*kinds, _SYSTEM, *names]))
        parts: list[Part] = []
        for n, piece in enumerate(re.split(f"({pattern})", text)):
            if piece in kinds:
                parts.append(Part(kinds[piece]))
            elif piece == _SYSTEM:
                parts.append(Part("system"))
            elif piece:
                parts.append(Part("token" if n % 2 else "text", piece))
        return Template(OWN, tuple(parts), self.system or "")

    def _compile(self, template: Template) -> list[int | list[Part]]:
        t = self.tokenizer
        runs: list[int | list[Part]] = []
        fresh = True
        for p in template.parts:
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
                found = _token_id(t, p.text) if p.text in self._control else None
            if found is not None:
                runs.append(found)
                fresh = True
                continue
            if p.kind == "system":
                p = Part("system", template.system)
            if fresh or isinstance(runs[-1], int):
                runs.append([])
            last = runs[-1]
            assert isinstance(last, list)
            last.append(p)
            fresh = False
        return runs

    def _special(self, token: str) -> int:
        found = _token_id(self.tokenizer, token)
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
            found = _token_id(self.tokenizer, "<|endoftext|>")
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


def _token_id(tokenizer: Any, token: str) -> int | None:
    found = tokenizer.convert_tokens_to_ids(token)
    if found is None or (found == tokenizer.unk_token_id and token != tokenizer.unk_token):
        return None
    return int(found)


def _wants_bos(tokenizer: Any) -> bool:
    """Whether prompts of this tokenizer begin with its first token: as its settings say, else as it does itself."""
    if tokenizer.bos_token_id is None:
        return False
    said = getattr(tokenizer, "init_kwargs", {}).get("add_bos_token")
    return bool(tokenizer.encode("a")[0] == tokenizer.bos_token_id) if said is None else bool(said)
