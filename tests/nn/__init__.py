<<<<<<< HEAD
"""Tests of the room nn."""
=======
"""Tests of the torch modules."""
>>>>>>> bank
