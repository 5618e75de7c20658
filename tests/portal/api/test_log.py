"""The log's tree by program: what a client recomputes agrees, and wrong questions get clear answers."""

from typing import Any

import pytest

from market.audit import tree
from market.audit.checkpoints import seal
from market.audit.note import open_note
from market.audit.rules import NEVER, Deed
from market.audit.sequencer import place
from market.audit.service import record
from market.identity.queries import log_signer
from tests.makers import T0
from tests.portal.api.conftest import Market, Program


def grow(market: Market, n: int) -> None:
    with market.db.write() as s:
        for i in range(n):
            record(s, Deed.QUESTION_ASKED, T0, "asker", subject=f"q{i}", veil=NEVER if i % 2 else None)
    with market.db.write() as s:
        place(s, 1)
    with market.db.write() as s:
        seal(s, T0, log_signer(s))


@pytest.fixture
def program(market: Market) -> Program:
    """Somebody without a token, before a log of two checkpoints over the edge of a tile."""
    grow(market, 40)
    grow(market, 300)
    return market.program()


def leaves(program: Program) -> list[bytes]:
    return [bytes.fromhex(e["leaf"]) for e in program.get("/events?limit=1000").get_json()["items"]]


def get(program: Program, path: str) -> Any:
    answer = program.get(path)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def test_a_checkpoint_is_a_note_that_the_key_opens(program: Program) -> None:
    key = get(program, "/log/key")
    answer = program.get("/log/checkpoint")
    said = open_note(answer.text, key["origin"], bytes.fromhex(key["public"]))
    all_leaves = leaves(program)

    assert answer.content_type == "text/plain; charset=utf-8" and answer.headers["Cache-Control"] == "public, max-age=2"
    assert said.size == len(all_leaves) and said.root == tree.root_of(all_leaves)
    assert key["verifier"].startswith(f"{key['origin']}+{key['id']}+")
    listed = get(program, "/log/checkpoints")
    assert listed["items"][0]["note"] == answer.text and len(listed["items"]) == 2
    first = listed["items"][1]["size"]
    assert (
        open_note(program.get(f"/log/checkpoint?size={first}").text, said.origin, bytes.fromhex(key["public"])).size
        == first
    )


def test_checkpoints_are_paged(program: Program) -> None:
    one = program.get("/log/checkpoints?limit=1")
    body = one.get_json()
    two = get(program, f"/log/checkpoints?limit=1&after={body['next']}")

    assert f"after={body['next']}" in one.headers["Link"]
    assert two["items"][0]["size"] < body["items"][0]["size"]
    assert get(program, f"/log/checkpoints?after={two['items'][0]['size']}") == {"items": [], "next": None}


def test_every_place_is_proved_also_a_veiled_one(program: Program) -> None:
    hashes = leaves(program)
    for seq in (0, 1, 2, 39, 255, 256, len(hashes) - 1):
        for size in {len(hashes), seq + 1}:
            proof = get(program, f"/log/inclusion?seq={seq}&size={size}")
            path = [bytes.fromhex(h) for h in proof["proof"]]
            assert proof["root"] == tree.root_of(hashes[:size]).hex() and proof["leaf"] == hashes[seq].hex()
            assert tree.included(seq, size, hashes[seq], path, bytes.fromhex(proof["root"]))
            assert set(proof) == {"seq", "leaf", "size", "root", "proof", "checkpoint"}


def test_two_sizes_are_consistent(program: Program) -> None:
    hashes = leaves(program)
    newest = get(program, "/log/consistency?first=41")
    proof = [bytes.fromhex(h) for h in newest["proof"]]

    assert newest["second"] == len(hashes)
    assert tree.consistent(41, len(hashes), tree.root_of(hashes[:41]), tree.root_of(hashes), proof)
    assert get(program, "/log/consistency?first=7&second=7")["proof"] == []


def test_tiles_are_the_hashes_of_the_tree(program: Program) -> None:
    hashes = leaves(program)
    full, rest = program.get("/log/tile/0/000"), len(hashes) - 256
    part = program.get(f"/log/tile/0/001.p/{rest}")

    assert full.data == b"".join(hashes[:256]) and part.data == b"".join(hashes[256:])
    assert full.content_type == "application/octet-stream" and "immutable" in full.headers["Cache-Control"]
    assert program.get("/log/tile/0/000.p/5").data == full.data[:160]
    assert program.get("/log/tile/1/000.p/1").data == tree.root_of(hashes[:256])


@pytest.mark.parametrize(
    "path",
    ["0/001", "0/001.p/255", "0/x001/000", "1/000", "2/000.p/1", "64/000", "00/000", "-1/000", "0/0", "0/1000",
     "0/000.p/0", "0/000.p/256", "0/000.p/999", "0/x000", "0/000/", "entries/000", "0/x999/x999/x999/x999/x999/999",
     "0/０００", "0/..%2F000"],
)  # fmt: skip
def test_a_tile_that_is_not_there_is_not_found(program: Program, path: str) -> None:
    answer = program.get(f"/log/tile/{path}")
    assert answer.status_code == 404 and answer.mimetype == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("inclusion", 422, "api.missing"), ("inclusion?seq=-1", 422, "api.range"),
        ("inclusion?seq=x", 422, "api.whole"),
        ("inclusion?seq=999999", 404, "log.not_yet"), ("inclusion?seq=5&size=5", 422, "log.size"),
        ("inclusion?seq=5&size=99999", 422, "log.size"), ("inclusion?seq=9007199254740992", 422, "api.range"),
        ("consistency", 422, "api.missing"), ("consistency?first=0", 422, "api.range"),
        ("consistency?first=9&second=8", 422, "log.order"), ("consistency?first=1&second=99999", 422, "log.order"),
        ("checkpoint?size=5", 404, "log.no_checkpoint"), ("checkpoint?size=0", 422, "api.range"),
        ("checkpoints?after=x", 422, "api.whole"), ("checkpoints?limit=1001", 422, "api.range"),
        ("inclusion?seq=1&seq=2", 422, "api.repeated"), ("inclusion?seq=1&x=2", 422, "api.unknown"),
    ],
)  # fmt: skip
def test_wrong_questions_are_answered_clearly(program: Program, path: str, status: int, code: str) -> None:
    answer = program.get(f"/log/{path}")
    assert (answer.status_code, answer.get_json()["errors"][0]["code"]) == (status, code)


def test_a_log_without_a_checkpoint_says_so(small_market: Market) -> None:
    program = small_market.program()
    for path in ("checkpoint", "inclusion?seq=0", "consistency?first=1"):
        assert program.get(f"/log/{path}").status_code == 404
    assert get(program, "/log/checkpoints") == {"items": [], "next": None}
