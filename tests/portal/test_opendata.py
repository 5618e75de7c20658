"""The doors of open data: the page, one job's files, a month's file as it is streamed, settings of the publisher."""

import gzip
import hashlib
import json
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from market.clock import FixedClock
from market.settings import read
from oversight.opendata import queries
from portal.opendata import squeezed
from portal.web import City
from tests.portal.staging import Staged, staged


@pytest.fixture
def stage(city: City, clock: FixedClock) -> Staged:
    """A decided job of a public owner."""
    made = staged(city)
    clock.advance(timedelta(hours=1))
    made.bids(8_500_000, 9_000_000, 9_500_000)
    made.close()
    return made


def test_the_page_leads_to_every_file(client: FlaskClient, stage: Staged) -> None:
    text = client.get("/data").text

    assert f"/data/ocds/ocds-000000-{stage.code}.json" in text and "/data/ocds/2026-06.jsonl.gz" in text
    assert "编号前缀尚未登记" in text and "creativecommons.org/licenses/by/4.0" in text
    main = client.get("/en/data").text.split("<main")[1].split("</main>")[0]
    assert not any("\u3400" <= c <= "\u9fff" for c in main.replace("项目", ""))


def test_an_empty_city_says_so(client: FlaskClient) -> None:
    assert "还没有已发布的项目" in client.get("/data").text


def test_a_job_has_both_packages(client: FlaskClient, stage: Staged) -> None:
    head = f"/data/ocds/ocds-000000-{stage.code}"
    record, package = client.get(f"{head}.json").get_json(), client.get(f"{head}/releases.json").get_json()

    assert record["uri"] == f"http://city.test{head}.json" and package["uri"] == f"http://city.test{head}/releases.json"
    assert record["records"][0]["releases"] == package["releases"]
    assert package["releases"][0]["awards"][0]["value"]["amount"] == 85_000


@pytest.mark.parametrize("month", ["2026-06", "2026-6", "2026-13", "1999-01", "２０２６-06", "2026-07"])
def test_a_month_is_streamed_in_pages(
    client: FlaskClient, stage: Staged, month: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "PAGE", 1)
    answer = client.get(f"/data/ocds/{month}.jsonl.gz")

    assert answer.status_code == (200 if month == "2026-06" else 404)
    if answer.status_code == 200:
        lines = gzip.decompress(answer.data).splitlines()
        alone = client.get(f"/data/ocds/ocds-000000-{stage.code}.json").get_json()
        assert [json.loads(line) for line in lines] == [alone]
        assert answer.data == client.get(f"/data/ocds/{month}.jsonl.gz").data


def test_what_is_squeezed_comes_in_pieces_and_whole() -> None:
    lines = [hashlib.sha256(str(n).encode()).digest() for n in range(20_000)]  # nothing to squeeze: much comes out
    pieces = list(squeezed(iter(lines), 1024))

    assert len(pieces) > 5 and gzip.decompress(b"".join(pieces)) == b"".join(lines)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TAOZHONGJIE_OCID_PREFIX", "ocds-ABC"),
        ("TAOZHONGJIE_OCID_PREFIX", "213czf"),
        ("TAOZHONGJIE_DATA_LICENCE", "http://x.test"),
        ("TAOZHONGJIE_DATA_LICENCE", "https://"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        read({name: value})


def test_a_city_sets_its_own_prefix_and_licence() -> None:
    made = read({"TAOZHONGJIE_OCID_PREFIX": "ocds-a1b2c3", "TAOZHONGJIE_DATA_LICENCE": "https://city.test/licence"})

    assert (made.ocid_prefix, made.data_licence) == ("ocds-a1b2c3", "https://city.test/licence")
