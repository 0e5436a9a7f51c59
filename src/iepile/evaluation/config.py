"""Settings of `iepile evaluate`: its flags, the keys of a YAML file, and the fields from Python."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class EvaluateConfig:
    """Score predictions: precision, recall and F1 by task, source and label."""

    path1: str = ""
    """Predictions: rows with `instruction`, `label` and `output` (and `facts`, to score by offsets), or documents."""
    gold_path: str = ""
    """Documents with their annotation, where `path1` holds documents with what was found in them."""
    task: str = ""
    """Score only rows of this task, and take rows that name none for it; empty: whatever the rows name."""
    match_mode: str = ""
    """`normal`: a fact answered twice must stand in the gold twice; `set`: repeats count once. Empty: as the protocol
    does by itself, `set` in `kg2instruction`, else `normal`."""
    match: str = "string"
    """What a mention is compared by: `string`, its characters; `normalised`, these but for width, case and punctuation
    around them; `offset`, its place; `overlap`, a place that shares a character; `head`, its head word."""
    sort_by: str = ""
    """Also show the scores by `source`, `label` or `language`, of each label `order`, by `confidence`; or several of
    these (`source,label`)."""
    draws: int = 0
    """Draws of the texts for 95 % intervals, 1,000 say; 0: none."""
    seed: int = 0
    """Seed of the draws, and of the texts that a page shows."""
    output: str = ""
    """Write the report here, as JSON."""
    tables: str = ""
    """Write all tables here: a file that ends in `.csv`, `.md` or `.tex`."""
    errors: str = ""
    """Write every error here, with its class, as JSON lines; `iepile negatives --predictions` reads them."""
    report: str = ""
    """Write a page to look at here: figures, plots, and the errors marked in their texts (HTML)."""
    report_language: str = "en"
    """The language that the page opens in: `zh` or `en`."""
    bad_rows: str = ""
    """Write every line that could not be used, and why, here, as JSON lines."""
    protocol: str = ""
    """Score exactly as others do: `iepile`, `deepke`, `kg2instruction` or `ccks2023`."""
    metrics_list: str = "f1"
    """`f1`; under protocol `kg2instruction` also `f1,rouge`."""
    standard_path: str = ""
    """Protocols `kg2instruction` and `ccks2023`: the file with the right answers."""
    submit_path: str = ""
    """Protocol `kg2instruction`: the file with the model's answers, else `path1`."""
    language: str = "zh"
    """Protocols `kg2instruction` and `ccks2023`: the language of the answers; means nothing elsewhere."""
    NAN: str = ""
    """Protocol `kg2instruction`: the word for "nothing" in answers; means nothing elsewhere."""
    prefix: str = ""
    """Protocol `kg2instruction`: a beginning of answers to take off; means nothing elsewhere."""
    weights: str = "0.5,0.5"
    """Protocol `ccks2023`: what F1 of the triples and ROUGE-2 of the text count in their sum."""
    rouge_tokens: str = "words"
    """Protocol `ccks2023`: what ROUGE cuts Chinese into, `words` (jieba's) or `characters`."""

    def __post_init__(self) -> None:
        self.match_mode = self.match_mode or ("set" if self.protocol == "kg2instruction" else "normal")
