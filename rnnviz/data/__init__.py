"""Data sets: readers, downloads, tokenizers, vocabularies, scalings and batches."""
