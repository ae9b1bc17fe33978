"""Noise by its statistics: the floor, hum, clicks, one event for it all. Thread: worker."""
