"""Matching pursuit, held to its closed forms."""
