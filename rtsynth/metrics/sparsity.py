"""What a score costs: numbers and bits per second. Thread: any."""

__all__ = ["BITS_PER_VALUE", "rates"]

BITS_PER_VALUE = 16


def rates(events: int, values: int, seconds: float) -> dict[str, float | None]:
    """Events, values and bits per second; None for an empty recording.

    Args:
        events: count.
        values: numbers they carry, the bank apart.
        seconds: length of the recording.
    """
    if seconds <= 0.0:
        return {"events_per_s": None, "values_per_s": None, "bits_per_s": None}
    return {
        "events_per_s": events / seconds,
        "values_per_s": values / seconds,
        "bits_per_s": BITS_PER_VALUE * values / seconds,
    }
