"""The command `taozhongjie`: run a city, and the small tools around it."""

import json
import os
import re
import sys
from datetime import timedelta
from pathlib import Path

import click

from market import settings as market_settings
from market.errors import Refused
from market.settings import Settings
from portal.words import in_both

_PERIOD = re.compile(r"([1-9]\d{0,5})([dhms])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def _settings() -> Settings:
    try:
        return market_settings.read(os.environ)
    except ValueError as wrong:
        raise click.ClickException(str(wrong)) from None


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """淘中介 Taozhongjie: a market for the intermediary services that approvals require."""


@main.command()
@click.option("--empty", is_flag=True, help="Start without the sample city; only at the first start.")
def run(empty: bool) -> None:
    """Migrate, load the sample city at the first start, and serve the site until Ctrl-C."""
    from portal.running import supervise
    from portal.starting import prepare

    settings = _settings()
    prepare(settings, "empty" if empty else "sample", click.echo)
    supervise(settings, click.echo)


@main.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    from portal.composition import open_city
    from portal.migrate import migrate as bring

    city = open_city(_settings(), patient=True)
    bring(city.db, city.clock.now())
    click.echo("数据库结构已是最新 / the schema is current")


@main.group(invoke_without_command=True)
@click.pass_context
def keeper(at: click.Context) -> None:
    """Run the keeper: the process that holds the auctions' keys. Or back it up, restore it, check it."""
    if at.invoked_subcommand is not None:
        return
    from bidding.sealing.server import CannotKeep, serve
    from market.clock import SystemClock
    from portal.logs import write_json

    write_json()
    settings = _settings()
    try:
        serve(settings, SystemClock(settings.clock_file))
    except (CannotKeep, ValueError) as no:
        raise click.ClickException(str(no)) from None


_FOLDER = click.Path(file_okay=False, path_type=Path)


@keeper.command("backup")
@click.argument("first", type=_FOLDER)
@click.argument("second", type=_FOLDER)
def keeper_backup(first: Path, second: Path) -> None:
    """Back up the keys for two custodians, into the folders FIRST and SECOND: only both together restore them."""
    from bidding.sealing.backup import make_backup, write_backup
    from market.clock import SystemClock

    settings = _settings()
    with _worded():
        made = make_backup(settings.keeper_store, SystemClock(settings.clock_file))
        write_backup(made, (first, second))
    click.echo(f"已备份 / backed up: {made.id}")


@keeper.command("restore")
@click.argument("first", type=_FOLDER)
@click.argument("second", type=_FOLDER)
def keeper_restore(first: Path, second: Path) -> None:
    """Make the keeper's store from both custodians' folders; the keeper must not run, nor a store be there."""
    from bidding.sealing.backup import restore
    from market.clock import SystemClock

    settings = _settings()
    with _worded():
        held = restore((first, second), settings.keeper_store, SystemClock(settings.clock_file))
    click.echo(f"已恢复 / restored: {held} 个项目的密钥 / auction keys。taozhongjie keeper check")


@keeper.command("check")
def keeper_check() -> None:
    """Compare the store with the city: name sealed auctions whose key is missing, move gates that are too early."""
    from bidding.auctions.queries import sealed_auctions
    from bidding.sealing.backup import Wanted, gaps
    from portal.composition import open_city

    city = open_city(_settings())
    with _worded():
        with city.db.read() as s:
            wanted = [Wanted(*row) for row in sealed_auctions(s, city.clock.now())]
        missing = gaps(city.settings.keeper_store, wanted, city.clock)
    click.echo(f"未开启的项目 / sealed auctions: {len(wanted)}；缺密钥 / key missing: {len(missing)}")
    for auction in missing:
        click.echo(f"  {auction}")
    if missing:
        raise SystemExit(1)


@main.command()
def scheduler() -> None:
    """Run the scheduler: closes auctions, orders the log, sends mail, keeps the index."""
    from portal.composition import open_city
    from portal.logs import write_json
    from portal.scheduler import serve

    write_json()
    serve(open_city(_settings(), patient=True))


@main.group()
def operator() -> None:
    """Operators of the market."""


@operator.command("create")
@click.option("--email", prompt="E-mail")
@click.option("--name", prompt="Name")
@click.option("--password", prompt="Password", hide_input=True, confirmation_prompt=True)
@click.option("--office", type=click.Choice(["operator", "regulator"]), default="operator", show_default=True)
def operator_create(email: str, name: str, password: str, office: str) -> None:
    """Create an operator (or regulator) who signs in with e-mail and password."""
    from market.identity.service import create_office
    from portal.composition import open_city

    city = open_city(_settings())
    with _worded(), city.db.write() as s:
        create_office(s, email, name, office, password, city.clock.now(), "system")
    click.echo(f"已创建 / created: {email}")


@operator.command("reset-link")
@click.argument("email")
def operator_reset_link(email: str) -> None:
    """Print a link with which the person of EMAIL sets a new password (one hour, once)."""
    from market.identity.links import make_link
    from market.identity.queries import person_by_email
    from market.identity.rules import Purpose
    from portal.composition import open_city

    city = open_city(_settings())
    with city.db.write() as s:
        person = person_by_email(s, email)
        if person is None:
            raise click.ClickException(f"没有这个账号：{email} / no such account: check the address.")
        token = make_link(s, person.id, Purpose.RESET, city.clock.now())
    click.echo(f"{city.settings.public_url}/{Purpose.RESET.value}/{token}")


@main.group()
def clock() -> None:
    """The clock of a demonstration."""


@clock.command("advance")
@click.argument("period")
def clock_advance(period: str) -> None:
    """Move the clock of every process forward by PERIOD, such as 3d, 12h, 30m or 90s."""
    from market.audit.rules import Deed
    from market.audit.service import record
    from market.clock import SystemClock
    from portal.composition import open_city
    from portal.words import show_time

    settings = _settings()
    if settings.clock_file is None:
        raise click.ClickException("正式运行（TAOZHONGJIE_PRODUCTION=1）的时钟不能拨动 / a production clock stays.")
    match = _PERIOD.fullmatch(period)
    if match is None:
        raise click.ClickException(f"{period!r}：请写成 3d、12h、30m 或 90s / write 3d, 12h, 30m or 90s.")
    by = timedelta(**{_UNITS[match[2]]: int(match[1])})
    city = open_city(settings)
    shared = SystemClock(settings.clock_file)
    shared.advance(by)
    with city.db.write() as s:
        record(s, Deed.CLOCK_ADVANCED, shared.now(), "system", seconds=int(by.total_seconds()))
    click.echo(f"现在是 / it is now {show_time(shared.now(), 'zh', seconds=True)}")


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def decide(file: Path) -> None:
    """Decide the case or cases of FILE (shape of the vectors) and print one JSON outcome a line, in order."""
    from bidding.methods.cases import outcomes

    for outcome in outcomes(_json(file.read_bytes())):
        click.echo(json.dumps(outcome, ensure_ascii=False))


@main.command()
@click.argument("what", nargs=-1, required=True)
@click.option("--coef", multiple=True, metavar="NAME=VALUE", help="A coefficient of the standard; may be repeated.")
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
def baseline(what: tuple[str, ...], coef: tuple[str, ...], lang: str) -> None:
    """Compute fee baselines: FILE of cases → one JSON line each, or STANDARD SCALE → an explanation in words."""
    from portal.baselines import explain_one, run_file

    if len(what) == 1:
        for line in run_file(Path(what[0])):
            click.echo(line)
        return
    if len(what) != 2:
        raise click.UsageError("Give FILE, or STANDARD and SCALE.")
    lines, ok = explain_one(what[0], what[1], coef, lang)
    click.echo("\n".join(lines))
    if not ok:
        sys.exit(1)


@main.group()
def index() -> None:
    """The full-text index."""


@index.command("rebuild")
def index_rebuild() -> None:
    """Build the index anew from the database, with a progress bar."""
    from tqdm import tqdm

    from market.jobs.entries import sources
    from market.search.index import rebuild
    from portal.composition import district_names, open_city

    city = open_city(_settings(), patient=True)
    found = sources(district_names(city), city.clock.now())
    n = rebuild(city.db, city.search, found, lambda entries: tqdm(entries, unit="entry"))
    click.echo(f"{n} 条已编入索引 / entries indexed")


@main.group()
def indicators() -> None:
    """Risk indicators of the regulator."""


@indicators.command("run")
def indicators_run() -> None:
    """Judge all decided jobs by every indicator now, and raise or update the flags."""
    from tqdm import tqdm

    from oversight.indicators.rules import INDICATORS
    from oversight.indicators.service import run as judge
    from portal.composition import open_city

    city = open_city(_settings(), patient=True)
    with _worded(), city.db.write() as s, tqdm(total=len(INDICATORS), unit="indicator") as bar:
        raised = judge(s, city.clock.now(), bar.update)
    click.echo(f"新风险提示 {raised} 条 / {raised} new flags")


@main.group()
def figures() -> None:
    """The rollup of published figures."""


@figures.command("rebuild")
def figures_rebuild() -> None:
    """Make the rollup anew from jobs, awards, contracts and payments; pages show the old one meanwhile."""
    from tqdm import tqdm

    from oversight.metrics.service import rebuild
    from portal.composition import open_city

    city = open_city(_settings(), patient=True)
    with _worded(), city.db.write() as s, tqdm(unit="") as bar:

        def tell(what: str, done: int, total: int) -> None:
            bar.set_description(what)
            bar.total, bar.n = total, done
            bar.refresh()

        n = rebuild(s, city.clock.now(), tell)
    click.echo(f"已汇总 {n} 个项目 / {n} jobs counted")


@main.group()
def export() -> None:
    """Files for others."""


@export.command("bundle")
@click.argument("file", type=click.Path(path_type=Path))
def export_bundle(file: Path) -> None:
    """Write what the city tells in public into a new folder or .zip, for `taozhongjie verify` (docs/bundle.md)."""
    from tqdm import tqdm

    from market.identity.queries import log_signer
    from oversight.export.service import write_bundle
    from portal.composition import open_city

    if file.exists():
        raise click.ClickException(f"{file} 已存在，请换一个名字。/ {file} exists; give another name.")
    city = open_city(_settings(), patient=True)
    with _worded(), city.db.read() as s, tqdm(unit="") as bar:

        def tell(name: str, n: int) -> None:
            bar.set_description(name, refresh=False)
            bar.update(n)

        size = write_bundle(s, file, log_signer(s), city.clock.now(), tell)
    click.echo(f"已导出 {file}，日志 {size} 个位置 / {file} written, {size} places of the log")


@main.command()
@click.argument("bundle", type=click.Path(exists=True, path_type=Path))
@click.option("--key", metavar="LINE", help="The log's verifier line, as the city publishes it at /api/v1/log/key.")
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
def verify(bundle: Path, key: str | None, lang: str) -> None:
    """Compute again what BUNDLE claims, without database or network; say what holds and what does not, exit 0 or 1."""
    from oversight.verify import BundleError, read
    from oversight.verify import verify as compute
    from oversight.verify.page import page

    try:
        verdict = compute(read(bundle), key)
    except BundleError as no:
        raise click.ClickException(f"不是可读的数据包 / no bundle: {no}") from None
    for line in page(verdict, "en" if lang == "en" else "zh"):
        click.echo(line)
    if not verdict.holds:
        sys.exit(1)


@main.group()
def log() -> None:
    """The audit log."""


@log.command("check")
def log_check() -> None:
    """Recompute every leaf, tile, root and signature of the log; name what does not hold and exit with 1."""
    from tqdm import tqdm

    from market.identity.queries import log_signer
    from oversight.proofs.queries import head
    from oversight.proofs.service import check_log
    from portal.composition import open_city

    city = open_city(_settings(), patient=True)
    with _worded(), city.db.read() as s:
        now = head(s)
        with tqdm(total=now.size if now else 0, unit="record") as bar:
            report = check_log(s, log_signer(s), bar.update)
    for fault in report.faults:
        click.echo(in_both([fault.refusal]))
    if not report.holds:
        raise click.ClickException(f"{report.count} 处不一致 / {report.count} things do not hold")
    click.echo(
        f"一致：{report.places} 条，其中记录 {report.records} 条，检查点 {report.checkpoints} 个，"
        f"根 {report.root.hex()}\nholds: {report.places} places, {report.records} records, "
        f"{report.checkpoints} checkpoints"
    )


def _json(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise click.ClickException("不是 JSON 文件 / this file is not JSON.") from None


class _worded:
    """Show a refusal's words instead of a traceback."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Refused):
            raise click.ClickException(in_both(error.refusals)) from None


if __name__ == "__main__":
    main()
