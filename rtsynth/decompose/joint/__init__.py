"""The joint fit: score and bank together, by gradient; it alone brings torch. Thread: worker."""
