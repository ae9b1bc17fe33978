"""Tests of the service and its supervisor."""
