"""The cache that grows in place holds what transformers' own holds, whatever is done to it in between."""

from __future__ import annotations

import pytest
import torch
from transformers import DynamicCache

from iepile.extraction.cache import SPARE, roomy_cache
from toy_families import VOCABULARY, toy


def test_it_holds_what_the_cache_of_transformers_holds() -> None:
    config = toy("llama").config
    generator = torch.Generator().manual_seed(0)
    one, two = DynamicCache(config=config), roomy_cache(config)

    def add(rows: int, places: int) -> None:
        keys, values = torch.randn(2, rows, 2, places, 8, generator=generator)
        for got, want in zip(two.update(keys, values, 0), one.update(keys, values, 0), strict=True):
            assert torch.equal(got, want)
        assert two.get_seq_length() == one.get_seq_length()

    add(4, 10)
    held = two.layers[0].keys.data_ptr()
    for _ in range(SPARE):
        add(4, 1)
    assert two.layers[0].keys.data_ptr() == held
    add(4, 3)
    assert two.layers[0].keys.data_ptr() != held
    for cache in (one, two):
        cache.batch_select_indices(torch.tensor([2, 0]))
    add(2, 1)
    for cache in (one, two):
        cache.batch_select_indices(torch.tensor([1, 0]))  # as many rows as before
    add(2, 1)
    for cache in (one, two):
        cache.crop(-5)
    add(2, 4)
    for cache in (one, two):
        cache.reset()
    add(3, 2)


@pytest.mark.parametrize("family", ["llama", "gemma2", "mistral", "gpt2"])
def test_a_model_says_the_same_with_it(family: str) -> None:
    model = toy(family).eval()
    ids = torch.randint(3, VOCABULARY, (3, 12), generator=torch.Generator().manual_seed(1))
    caches = DynamicCache(config=model.config), roomy_cache(model.config)
    with torch.inference_mode():
        for part in (ids[:, :8], ids[:, 8:9], ids[:, 9:]):
            want, got = (model(input_ids=part, past_key_values=c, use_cache=True).logits for c in caches)
            assert torch.allclose(want, got, atol=1e-5)
