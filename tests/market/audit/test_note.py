"""Checkpoints as signed notes: bytes of the specification, and everything that is none."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from market.audit.note import Checkpoint, NoteError, Signer, key_id, open_note, read, sign, verifier

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = Signer("taozhongjie/0123456789abcdef", KEY.private_bytes_raw(), KEY.public_key().public_bytes_raw())
ROOT = bytes(range(100, 132))
NOTE = sign(SIGNER, 20_852, ROOT)


def test_the_key_id_is_that_of_a_published_key() -> None:
    """sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8, the key of the Go checksum database."""
    public = bytes.fromhex("ce3372d75ad1ee5ecdaf872729 3d4b111d87eb37531d7c86d4d3003f0eb809fc".replace(" ", ""))
    line = verifier("sum.golang.org", public)

    assert key_id("sum.golang.org", public).hex() == "033de0ae"
    assert line == "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"


def test_a_note_has_the_lines_of_the_specification() -> None:
    lines = NOTE.split("\n")

    assert lines[:2] == [SIGNER.origin, "20852"] and lines[3] == "" and lines[5:] == [""]
    assert lines[4].startswith(f"— {SIGNER.origin} ")
    assert sign(SIGNER, 20_852, ROOT) == NOTE
    assert open_note(NOTE, SIGNER.origin, SIGNER.public) == Checkpoint(SIGNER.origin, 20_852, ROOT)


def test_signatures_of_others_are_passed_over() -> None:
    other = sign(Signer("witness.example", bytes(32), KEY.public_key().public_bytes_raw()), 1, ROOT).split("\n")[-2]

    assert open_note(NOTE + other + "\n", SIGNER.origin, SIGNER.public).size == 20_852


def flipped(note: str, place: int) -> str:
    return note[:place] + chr(ord(note[place]) ^ 1) + note[place + 1 :]


@pytest.mark.parametrize("place", range(len(NOTE)))
def test_one_changed_bit_anywhere_is_noticed(place: int) -> None:
    with pytest.raises(NoteError):
        open_note(flipped(NOTE, place), SIGNER.origin, SIGNER.public)


@pytest.mark.parametrize("size", [*range(0, len(NOTE) - 1, 7), len(NOTE) - 1])
def test_a_cut_note_is_none(size: int) -> None:
    with pytest.raises(NoteError):
        open_note(NOTE[:size], SIGNER.origin, SIGNER.public)


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "\n\n", "a\n1\nAA==\n\n— a AA==\n", NOTE.replace("20852", "020852"),
        NOTE.replace("20852", "２０８５２"),
        NOTE.replace("20852", "-1"), NOTE.replace("\n\n", "\nextension\n\n"), NOTE.replace("20852\n", "20852\r\n"),
        NOTE.replace("—", "-"), NOTE + "\n", "\ud800" + NOTE,
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        open_note(text, SIGNER.origin, SIGNER.public)


def test_another_log_and_another_key_are_refused() -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()

    assert read(NOTE).origin == SIGNER.origin
    with pytest.raises(NoteError, match="another log"):
        open_note(NOTE, "taozhongjie/other", SIGNER.public)
    with pytest.raises(NoteError, match="not signed by"):
        open_note(NOTE, SIGNER.origin, other)
