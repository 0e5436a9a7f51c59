"""One file a form of document; see form.py."""
