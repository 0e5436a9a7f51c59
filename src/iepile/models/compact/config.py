"""Settings of the compact model: what is saved beside its weights as `config.json`."""

from __future__ import annotations

from dataclasses import dataclass, field

FORMAT = 1
"""Version of the model folder; another version is refused."""


@dataclass(frozen=True)
class CompactConfig:
    """Sizes and decision rules of the compact model."""

    encoder: str = ""
    """Hugging Face encoder to read the text with (folder or hub name); empty: hashed n-grams and a BiLSTM."""
    buckets: int = 1 << 15
    """Rows of the table of hashed token features (not used with `encoder`)."""
    label_buckets: int = 1 << 12
    """Rows of the table of hashed label pieces."""
    members: int = 1
    """Networks that answer together, the mean of their scores."""
    embedding_size: int = 64
    """Width of both tables."""
    hidden_size: int = 128
    """Width of the LSTM in each direction."""
    layers: int = 1
    """Layers of the LSTM."""
    skip: bool = True
    """Whether spans see the token features themselves besides the LSTM's states."""
    query_size: int = 64
    """Width in which tokens are scored as borders of a span against a label."""
    span_size: int = 128
    """Width of the representation of a span."""
    max_width: int = 40
    """Widest span in tokens; wider ones are neither trained (they are counted) nor found."""
    dropout: float = 0.4
    """Share of token states dropped in training."""
    feature_dropout: float = 0.1
    """Share of hashed features dropped in training."""
    proposal_floor: float = -2.5
    """In training a span is looked at when the scores of its borders lie above this."""
    search_floor: float = -2.5
    """The same in prediction."""
    border_share: float = 0.5
    """Weight of the borders' mean score in the score of a span; the rest is that of the span as a whole."""
    proposals: int = 12
    """Most spans looked at for one label (and trigger or head) in training; in prediction there are at most 50."""
    anchor_floor: float = -1.0
    """A head is tried when its score lies above this."""
    nested: bool = True
    """Whether spans of different entity labels may overlap; if not, the answers depend on all labels asked."""
    thresholds: dict[str, float] = field(
        default_factory=lambda: {"entity": 0.0, "trigger": 0.0, "relation": 0.0, "argument": 0.0}
    )
    """Score (log-odds) a fact must exceed, by kind; `fit` sets them on the dev examples."""
