"""The real-time engine: one flat arena of state, and compiled code that turns it into blocks."""
