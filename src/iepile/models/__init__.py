"""Model families, chat templates, and the compact model."""
