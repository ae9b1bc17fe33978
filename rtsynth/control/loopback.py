"""Who may send: this machine, unless a list says otherwise. Thread: any."""

import ipaddress
from collections.abc import Sequence

from rtsynth.errors import ValueRangeError

__all__ = ["check_host"]


def check_host(host: str, allow: Sequence[str] = ()) -> None:
    """Refuse an address that other machines reach, unless the senders are listed.

    Raises:
        ValueRangeError: not loopback and nobody listed, or no address at all.
    """
    try:
        local = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host).is_loopback
        for address in allow:
            ipaddress.ip_address(address)
    except ValueError as error:
        raise ValueRangeError(f"{error}; legal: numeric addresses", field="host") from None
    if not local and not allow:
        raise ValueRangeError(
            f"host = {host}: other machines reach it; legal: 127.0.0.1, or list who may send",
            field="host",
        )
