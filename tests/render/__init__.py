"""Tests of offline rendering."""
