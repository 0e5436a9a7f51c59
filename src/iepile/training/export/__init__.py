"""A trained model in the form that others run: one file a form."""
