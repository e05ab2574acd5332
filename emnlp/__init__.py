"""Unsupervised learning of discrete NLP models with EM."""

__version__ = "0.1.0"
