"""Tests of events, tables and scores."""
