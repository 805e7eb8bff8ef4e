"""What one address may do to the server: connections, requests a second, and bytes.

An address that goes on beyond its rate is refused for a while before anything is read from it, so
that refusing costs little. Every table here has a largest size.
"""

from __future__ import annotations

import ipaddress
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

#: Bits of an IPv6 address that a network has; the other ones a device chooses as it likes.
NETWORK_BITS = 64
#: Requests a second of a phone, on average and at once; of several at an address the sum.
RATE, BURST = 4.0, 20.0
#: Refused requests in a row of a phone after which its address is refused altogether, and for how
#: many seconds. A request that is too large counts as so many.
STRIKES, PAUSE = 20, 10.0
#: Connections of a phone, and of all.
PER_DEVICE, MOST_CONNECTIONS = 6, 2000
#: Addresses that are remembered.
MOST_ADDRESSES = 4096


def network_of(address: str) -> str:
    """What stands for an address where addresses are limited: of IPv6 its network.

    An address of IPv4 stands for itself, also where a socket for both has it as ``::ffff:``.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    network = ipaddress.ip_network((parsed, NETWORK_BITS), strict=False)
    return f"{network.network_address}/{NETWORK_BITS}"


class LimitedSources:
    """What addresses count as for the limits.

    A device of IPv6 chooses among the addresses of its network, so that a network counts as one
    address, apart from ``shared`` ones: those that all phones of a hall have in common.
    """

    def __init__(self, shared: Iterable[str] = ()) -> None:
        self._shared = frozenset(map(network_of, shared))

    def of(self, address: str) -> str:
        """What an address counts as."""
        network = network_of(address)
        return address if network in self._shared else network


@dataclass
class _AddressState:
    left: float
    at: float
    strikes: int = 0
    paused_until: float = 0.0


class AddressLimits:
    """The limits of all addresses; ``devices`` is how many phones may be at one of them."""

    def __init__(self, devices: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst = RATE * devices, BURST * devices
        self._strikes = STRIKES * devices
        self._per_address = PER_DEVICE * devices
        self._clock = clock
        self._states: dict[str, _AddressState] = {}
        self._connections: Counter[str] = Counter()
        self.connections = 0
        self.refused = 0  # connections and requests

    def connect(self, address: str) -> bool:
        """Whether a further connection of an address is taken."""
        state = self._states.get(address)
        paused = state is not None and self._clock() < state.paused_until
        full = self.connections >= MOST_CONNECTIONS
        if paused or full or self._connections[address] >= self._per_address:
            self.refused += 1
            return False
        self.connections += 1
        self._connections[address] += 1
        return True

    def disconnect(self, address: str) -> None:
        """A connection that was taken has ended."""
        self.connections -= 1
        self._connections[address] -= 1
        if not self._connections[address]:
            del self._connections[address]

    def request(self, address: str) -> bool:
        """Whether a further request of an address is answered."""
        now = self._clock()
        state = self._state(address, now)
        state.left = min(self._burst, state.left + (now - state.at) * self._rate)
        state.at = now
        if now < state.paused_until or state.left < 1:
            self._strike(state, now, 1)
            return False
        state.left -= 1
        state.strikes = 0
        return True

    def too_large(self, address: str) -> None:
        """An address has sent more than any request has."""
        now = self._clock()
        self._strike(self._state(address, now), now, STRIKES)

    def _state(self, address: str, now: float) -> _AddressState:
        state = self._states.get(address)
        if state is None:
            if len(self._states) >= MOST_ADDRESSES:
                self._forget(now)
            state = self._states[address] = _AddressState(self._burst, now)
        return state

    def _strike(self, state: _AddressState, now: float, strikes: int) -> None:
        self.refused += 1
        state.strikes += strikes
        if state.strikes >= self._strikes:
            state.paused_until, state.strikes = now + PAUSE, 0

    def is_paused(self, address: str) -> bool:
        """Whether an address is refused altogether now."""
        state = self._states.get(address)
        return state is not None and self._clock() < state.paused_until

    def _forget(self, now: float) -> None:
        """Forget the addresses that have been quiet; of none all are."""
        quiet = BURST / RATE
        kept = {
            address: state
            for address, state in self._states.items()
            if now - state.at < quiet or now < state.paused_until
        }
        self._states = kept if len(kept) < MOST_ADDRESSES else {}
