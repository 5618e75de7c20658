"""Who somebody is to the market (pure)."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Roles of a person; an organisation may give both `owner` and `firm`, an office gives its own."""

    OWNER = "owner"
    FIRM = "firm"
    OPERATOR = "operator"
    REGULATOR = "regulator"


@dataclass(frozen=True, slots=True)
class User:
    """A signed-in person with the organisation they act for. `epoch` rises at "sign out everywhere"."""

    id: int
    name: str
    email: str
    org_id: int
    org_name: str
    uscc: str
    roles: frozenset[Role]
    epoch: int
    unread: int = 0

    @property
    def actor(self) -> str:
        """How the log names this person."""
        return f"person:{self.id}"

    def has(self, role: str) -> bool:
        """Whether the person acts in this role."""
        return role in self.roles


def roles(is_owner: bool, is_firm: bool, office: str | None) -> frozenset[Role]:
    """The roles of a person of an organisation; people of an office have only that."""
    if office is not None:
        return frozenset({Role(office)})
    return frozenset(role for role, has in ((Role.OWNER, is_owner), (Role.FIRM, is_firm)) if has)
