"""Tests of decompose."""
