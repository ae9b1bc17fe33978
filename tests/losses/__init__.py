"""Losses: small where sounds agree, finite where there is none."""
