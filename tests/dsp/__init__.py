"""Tests of the kernels against their twins and against physics."""
