"""rtsynth takes sound apart into events and lets a musician play them."""

__version__ = "0.1.0"
