"""Corpora: readers, vocabularies, ragged ids, links, and where to get real text."""
