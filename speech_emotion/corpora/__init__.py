"""Corpora, one file each: file names, folds, licence."""
