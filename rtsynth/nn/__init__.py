"""Torch modules that learn what the engine plays. Thread: worker."""
