"""Password hashes: Argon2id (RFC 9106) with a cap on how many run at once.

A hash takes 64 MiB and a good part of a second by design, so it never runs inside a transaction, and more than a few
at a time would starve bids of memory and cores (dependencies: 0.4 s each on a loaded machine).
"""

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from market.errors import refuse
from market.identity.rules import PasswordHash

AT_ONCE: Final = 2
"""Hashes computed in parallel by one process."""
PATIENCE: Final = 5.0
"""Seconds to wait for a turn before saying that the site is busy."""


class Passwords:
    """Hashes and checks. Times agree for known and unknown people: without a hash a dummy one is checked."""

    def __init__(self, time_cost: int = 3, memory_kib: int = 65536, parallelism: int = 4) -> None:
        """The default is the RFC's second recommendation; tests take a weaker one."""
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=parallelism)
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._dummy: str | None = None

    def hash(self, password: str) -> PasswordHash:
        """The hash to store. Raises Refused `signin.busy` (503) if no turn comes."""
        with self._turn():
            return PasswordHash(self._hasher.hash(_normal(password)))

    def matches(self, stored: PasswordHash | None, password: str) -> bool:
        """Whether `password` is the stored one; always False, but as slow, without a stored one."""
        with self._turn():
            try:
                self._hasher.verify(stored or self._stand_in(), _normal(password))
            except (VerificationError, InvalidHashError):
                return False
        return stored is not None

    def _stand_in(self) -> str:
        if self._dummy is None:
            self._dummy = self._hasher.hash("nobody has this password")
        return self._dummy

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=PATIENCE):
            raise refuse("signin.busy", status=503)
        try:
            yield
        finally:
            self._turns.release()


def _normal(password: str) -> str:
    """NFKC: the same keys on another keyboard give the same password (NIST SP 800-63B §5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


WEAK: Final = Passwords(time_cost=1, memory_kib=8, parallelism=1)
"""For tests, which hash hundreds of passwords that guard nothing."""
STRONG: Final = Passwords()
"""For everything else."""
