"""Tests of the devices and of the recorder."""
