"""Torch modules that learn: the neural field, the bank, choices, and voices one can differentiate."""
