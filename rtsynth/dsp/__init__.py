"""Pure compiled kernels: arrays in, arrays out, nothing allocated, nothing kept.

Every kernel has a written signature and a float64 NumPy twin in the tests. Thread: audio.
"""
