"""A no that says what is wrong and how to mend it (style habit 2).

A rule returns a `Refusal`, a service raises it in `Refused` (the door's transaction then keeps nothing), one handler
in the portal shows it. The words stand in the `refusals.json` of the room that refuses, in Chinese and English,
under the stable code; `values` fill them.
"""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True, slots=True)
class Refusal:
    """Why something cannot be done.

    `code` is stable: the API's error type and the key of the words. `field` names the form or API field at fault.
    `values` are facts for the words: int fen, aware datetimes, dates, ints and text.
    """

    code: str
    field: str | None = None
    values: Mapping[str, object] = dataclasses.field(default_factory=dict)


class Refused(Exception):
    """Raised by a service with one or more refusals; nothing of the transaction is kept.

    `status` is the HTTP status that fits: 422 unfit input, 403 not this party, 404, 409 wrong state, 429, 503.
    """

    def __init__(self, *refusals: Refusal, status: int = 422) -> None:
        super().__init__(", ".join(r.code for r in refusals))
        self.refusals = refusals
        self.status = status


def refuse(code: str, field: str | None = None, status: int = 422, **values: object) -> Refused:
    """The exception for one refusal: `raise refuse("bid.late", status=409, deadline=t)`."""
    return Refused(Refusal(code, field, values), status=status)
