"""What the full-text index holds of jobs and firms: public words only, and only of what is public."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from market.admission.models import FirmProfile
from market.admission.queries import index_text
from market.catalogue.models import Category, Service
from market.identity.models import Organisation
from market.jobs.models import Job
from market.jobs.queries import PUBLIC
from market.search.index import Source
from market.search.port import Entry

BATCH: Final = 500
SHORT: Final[Mapping[str, str]] = {
    "01": "环评", "02": "水保", "03": "能评 节能", "04": "地灾", "09": "招标代理", "10": "造价", "11": "监理",
    "12": "可研", "13": "安评", "14": "职评 职卫", "15": "防雷", "16": "消检", "19": "交评",
}  # fmt: skip
"""How people say the categories of the first catalogue for short; looked for, never shown."""


def sources(districts: Mapping[str, str], at: datetime) -> dict[str, Source]:
    """The functions the index takes its entries from. `districts`: code → name; `at`: firms as of then."""

    def jobs(s: Session, ids: Sequence[int] | None) -> Iterator[Entry]:
        found = (
            select(Job, Organisation.name, Category.name_zh, Category.name_en, Service.name, Service.item)
            .join(Organisation, Organisation.id == Job.owner_id)
            .outerjoin(Category, Category.code == Job.category_code)
            .outerjoin(Service, Service.id == Job.service_id)
            .where(Job.state.in_(PUBLIC))
        )
        if ids is not None:
            found = found.where(Job.id.in_(list(ids)))
        last = 0
        # By id, not by a server's cursor: reading runs without a transaction that could hold one.
        while rows := s.execute(found.where(Job.id > last).order_by(Job.id).limit(BATCH)).all():
            for job, owner, zh, en, service, item in rows:
                words = (
                    job.code, owner, zh, en, service, item, SHORT.get(job.category_code or "", ""),
                    districts.get(job.district or "", ""), job.summary,
                )  # fmt: skip
                yield Entry("job", job.id, job.title, " ".join(word for word in words if word))
            last = rows[-1][0].id
            s.expunge_all()

    def firms(s: Session, ids: Sequence[int] | None) -> Iterator[Entry]:
        wanted = iter(list(s.scalars(select(FirmProfile.org_id).order_by(FirmProfile.org_id))) if ids is None else ids)
        while batch := list(islice(wanted, BATCH)):
            for id, (name, text) in index_text(s, batch, at).items():
                yield Entry("firm", id, name, text)

    return {"job": jobs, "firm": firms}
