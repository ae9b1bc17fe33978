"""Tests of tools that make and measure clips."""
