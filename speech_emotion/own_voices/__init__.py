"""One's own voices as a corpus: its table read, checked, added to the pipeline and removed."""
