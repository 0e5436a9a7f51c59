"""The Modelfile of Ollama: the prompt as a Go template, and settings that give the answers of greedy decoding.

>>> go_template([Piece("text", "Q: "), Piece("query"), Piece("text", " A:")], None)
'Q: {{ .Prompt }} A:{{ .Response }}'
"""

from __future__ import annotations

from collections.abc import Sequence

from iepile.errors import InputError
from iepile.training.export.pieces import Piece

CONTEXT = 4096
"""Tokens that Ollama keeps a place for, where the model can hold as many: as the guide has it."""
_GO = {"query": "{{ .Prompt }}", "system": "{{ .System }}"}


def go_template(plain: Sequence[Piece], with_system: Sequence[Piece] | None) -> str:
    """The prompt in Go's template language.

    Args:
        plain: the prompt without a system sentence.
        with_system: the prompt with one; None where the template has no place for it.
    """
    def text(pieces: Sequence[Piece]) -> str:
        return "".join(_GO.get(p.kind, p.text.replace("{{", '{{ "{{" }}')) for p in pieces)

    if with_system is None:
        return text(plain) + "{{ .Response }}"
    return f"{{{{ if .System }}}}{text(with_system)}{{{{ else }}}}{text(plain)}{{{{ end }}}}{{{{ .Response }}}}"


def modelfile(file: str, template: str, system: str, stops: Sequence[str], context: int | None) -> str:
    """The whole Modelfile.

    Args:
        file: name of the GGUF file beside it.
        system: the system sentence; empty for none.
        stops: tokens that end an answer.
        context: tokens that the model can hold, where that is known.

    Raises:
        InputError: a text that the file's quotation marks cannot hold.
    """
    for text in (template, system):
        if '"""' in text or text.endswith('"'):
            raise InputError("the template or system sentence ends in a quotation mark, or has three of them",
                             field="template", fix="an Ollama Modelfile cannot hold it: use another template")
    lines = [f"FROM ./{file}", f'TEMPLATE """{template}"""']
    if system:
        lines.append(f'SYSTEM """{system}"""')
    lines += ["# Greedy, without a penalty for repeats: an answer repeats its labels and names.",
              "PARAMETER temperature 0", "PARAMETER repeat_penalty 1",
              f"PARAMETER num_ctx {min(context or CONTEXT, CONTEXT)}"]
    lines += [f'PARAMETER stop "{s}"' for s in stops]
    return "\n".join(lines) + "\n"
