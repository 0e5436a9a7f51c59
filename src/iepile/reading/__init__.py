"""Documents in the forms people have them in (PDF, Word, HTML, EPUB, tables): their text, and where each piece of it stood."""
