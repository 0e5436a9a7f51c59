"""Documents in the forms people have them in: PDF, Word, HTML, EPUB, tables. Their text, and where it stood."""
