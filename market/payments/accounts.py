"""Where a firm takes transfers: the account number is encrypted, only its end is shown, only a payer sees it whole.

AES-256-GCM under a key derived (HKDF, RFC 5869) from the platform's secret; the row's own facts are bound as additional
data, so a number cannot be moved to another firm's row.
"""

import secrets
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import select
from sqlalchemy.orm import Session

from market.audit.rules import Deed
from market.audit.service import record
from market.errors import refuse
from market.identity.models import Organisation
from market.identity.queries import platform_key
from market.identity.rules import User, normal_account
from market.notices.service import notify
from market.payments.models import Payment, PaymentAccount
from market.payments.port import Payee
from market.payments.rules import normal_name, owed
from market.payments.service import page_of

KIND: Final = "bank"
_VERSION: Final = b"\x01"
_NONCE: Final = 12


def _cipher(s: Session) -> AESGCM:
    """The key of account numbers: its purpose is part of the derivation, so no other use of the secret gives it."""
    secret = platform_key(s, "pepper").secret
    return AESGCM(HKDF(SHA256(), 32, salt=None, info=b"taozhongjie/payment-account/v1").derive(secret))


def _bound(org_id: int) -> bytes:
    return f"{KIND}:{org_id}".encode()


def hide(s: Session, org_id: int, number: str) -> bytes:
    """The number as it is stored."""
    nonce = secrets.token_bytes(_NONCE)
    return _VERSION + nonce + _cipher(s).encrypt(nonce, number.encode(), _bound(org_id))


def reveal(s: Session, org_id: int, stored: bytes) -> str:
    """The number again. Raises ValueError if it was changed, moved, or made under another key."""
    nonce, rest = stored[1 : 1 + _NONCE], stored[1 + _NONCE :]
    try:
        if stored[:1] != _VERSION:
            raise InvalidTag
        return _cipher(s).decrypt(nonce, rest, _bound(org_id)).decode()
    except InvalidTag:
        raise ValueError("An account number cannot be read with this platform's key.") from None


def account_of(s: Session, org_id: int) -> PaymentAccount | None:
    """The bank account a firm takes transfers on now."""
    mine = select(PaymentAccount).where(
        PaymentAccount.org_id == org_id, PaymentAccount.kind == KIND, PaymentAccount.removed_at.is_(None)
    )
    return s.scalars(mine.order_by(PaymentAccount.id.desc())).first()


def payee_for(s: Session, payment: Payment, by: User) -> Payee | None:
    """The firm's account with its whole number, to the owner that has this payment to pay and to nobody else."""
    if payment.owner_id != by.org_id or owed(payment.fen, payment.settled) == 0:
        return None
    row = account_of(s, payment.firm_id)
    return None if row is None else Payee(KIND, row.holder, row.bank, reveal(s, row.org_id, row.secret))


def record_account(s: Session, holder: str, bank: str, number: str, by: User, now: datetime) -> PaymentAccount:
    """Record the account a firm takes transfers on; it takes the place of the one before.

    Raises Refused account.number, and account.holder for one that is not in the firm's own name: an owner must be able
    to trust that it pays whom it contracted with. Owners with something to pay are told of a change.
    """
    plain = normal_account(number)
    if plain is None or len(plain) < 8:
        raise refuse("account.number", "number")
    org = s.get_one(Organisation, by.org_id, with_for_update={"key_share": True})
    if normal_name(holder) != normal_name(org.name):
        raise refuse("account.holder", "holder", name=org.name)
    before = account_of(s, by.org_id)
    if before is not None and (before.bank, reveal(s, by.org_id, before.secret)) == (bank, plain):
        return before
    if before is not None:
        before.removed_at = now
    made = PaymentAccount(
        org_id=by.org_id, kind=KIND, holder=org.name, bank=bank, secret=hide(s, by.org_id, plain), tail=plain[-4:],
        methods=[], recorded_at=now, removed_at=None, account=None,
    )  # fmt: skip
    s.add(made)
    s.flush()
    record(s, Deed.PAYMENT_ACCOUNT_RECORDED, now, by.actor, f"org:{by.org_id}", account=made.id, kind=KIND)
    if before is not None:
        _warn(s, made, now)
    return made


def remove_account(s: Session, account_id: int, by: User, now: datetime) -> None:
    """Take no transfers on an account any more. Raises Refused account.unknown."""
    row = s.get(PaymentAccount, account_id, with_for_update=True)
    if row is None or row.org_id != by.org_id or row.kind != KIND or row.removed_at is not None:
        raise refuse("account.unknown", status=404)
    row.removed_at = now
    record(s, Deed.PAYMENT_ACCOUNT_REMOVED, now, by.actor, f"org:{by.org_id}", account=row.id, kind=KIND)


def _warn(s: Session, account: PaymentAccount, now: datetime) -> None:
    """A changed account is how payers are robbed: each owner that is about to pay hears of it."""
    waiting = select(Payment).where(Payment.firm_id == account.org_id, Payment.settled < Payment.fen)
    for p in s.scalars(waiting.order_by(Payment.id)):
        about = {"firm": account.holder, "tail": account.tail, "contract": p.contract_code}
        once = f"account:{account.id}:{p.id}"
        notify(s, now, "payment.account_changed", p.owner_id, None, page_of(p), once, True, **about)
