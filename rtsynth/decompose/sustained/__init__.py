"""One sustained note: its pitch, partials, bow and breath, as one event. Thread: worker."""
