"""Settings of tuning, one file a group; `iepile.training.config` joins them."""
