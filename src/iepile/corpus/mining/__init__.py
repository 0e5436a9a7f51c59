"""Ways to find labels that are easily confused: one file a way, and `merge.py`, which joins them."""
