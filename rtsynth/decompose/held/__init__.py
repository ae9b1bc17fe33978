"""A line of sustained notes: one bowed event per note, and the breath between. Thread: worker."""
