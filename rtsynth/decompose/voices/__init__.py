"""Several held voices at once: which notes sound, and the partials of each. Thread: worker."""
