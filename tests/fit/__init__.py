"""Training: it improves, it repeats, it goes on where it stopped."""
