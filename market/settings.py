"""Every setting of a running city, read once from the environment by the composition root."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are and how the city runs. Each field names its variable and unit."""

    home: Path
    """TAOZHONGJIE_HOME: data folder; database file, documents, index, mail, keys. Default `var`."""
    database_url: str
    """DATABASE_URL: `postgresql://…` or `sqlite:///…`. Default: `city.db` in the data folder."""
    keeper_socket: Path
    """TAOZHONGJIE_KEEPER: Unix socket of the keeper; at most 100 bytes. Default `keeper.sock` in the data folder."""
    host: str
    """TAOZHONGJIE_HOST: address to serve on. Default 127.0.0.1."""
    port: int
    """TAOZHONGJIE_PORT: port to serve on. Default 8000."""
    workers: int
    """TAOZHONGJIE_WORKERS: web processes. Default 1, and always 1 on SQLite."""
    threads: int
    """TAOZHONGJIE_THREADS: threads of a web process. Default 32."""
    production: bool
    """TAOZHONGJIE_PRODUCTION=1: secure cookies, no clock shift, no sample sign-ins shown."""
    public_url: str
    """TAOZHONGJIE_URL: the site's address in mails and QR codes. Default http://HOST:PORT."""
    smtp_url: str | None
    """TAOZHONGJIE_SMTP: `smtp://user:password@host:port` (or smtps); without it mail goes to a folder."""
    mail_from: str
    """TAOZHONGJIE_MAIL_FROM: sender of mails."""
    city_name: str
    """TAOZHONGJIE_CITY: name shown in the header. Default 澄浦市."""
    stripe_key: str | None = field(default=None, repr=False)
    """TAOZHONGJIE_STRIPE_KEY: the platform's secret key at Stripe; without it paying by Stripe is offered nowhere."""
    stripe_webhook_secret: str | None = field(default=None, repr=False)
    """TAOZHONGJIE_STRIPE_WEBHOOK_SECRET: what Stripe signs its webhooks with (`whsec_…`); goes with the key."""
    stripe_api: str | None = None
    """TAOZHONGJIE_STRIPE_API: a stand-in for Stripe on this machine, `http://127.0.0.1:PORT`; for tests only."""

    ocid_prefix: str = "ocds-000000"
    """TAOZHONGJIE_OCID_PREFIX: the prefix that OCDS gave the city; the default stands for none."""
    data_licence: str = "https://creativecommons.org/licenses/by/4.0/"
    """TAOZHONGJIE_DATA_LICENCE: address of the licence of open data."""
    NO_OCID_PREFIX: ClassVar[str] = "ocds-000000"
    """The prefix of a city that has none yet: nobody is given it."""

    @property
    def sqlite(self) -> bool:
        """Whether the embedded database is used."""
        return self.database_url.startswith("sqlite")

    @property
    def clock_file(self) -> Path | None:
        """Where `clock advance` keeps its offset; None in production, where the clock is never shifted."""
        return None if self.production else self.home / "clock"

    @property
    def documents(self) -> Path:
        """Folder of uploaded files, by digest."""
        return self.home / "documents"

    @property
    def index(self) -> Path:
        """Folder of the full-text index."""
        return self.home / "index"

    @property
    def mail(self) -> Path:
        """Folder that takes mail when no SMTP server is set."""
        return self.home / "mail"

    @property
    def keeper_store(self) -> Path:
        """Folder of the keeper's own database and log."""
        return self.home / "keeper"


def _number(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = env.get(name, str(default))
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise ValueError(f"{name} is {text!r}: give a whole number from {low} to {high}.")
    return int(text)


def _stripe(env: Mapping[str, str]) -> tuple[str | None, str | None, str | None]:
    """Key, webhook secret and stand-in. A key never goes to another host than Stripe's, nor lies about in half."""
    key, secret = env.get("TAOZHONGJIE_STRIPE_KEY") or None, env.get("TAOZHONGJIE_STRIPE_WEBHOOK_SECRET") or None
    api = env.get("TAOZHONGJIE_STRIPE_API") or None
    if key is not None and not (key.startswith(("sk_", "rk_")) and key.isascii() and key.isprintable()):
        raise ValueError("TAOZHONGJIE_STRIPE_KEY must be a secret or restricted key: sk_… or rk_….")
    if (key is None) != (secret is None):
        missing = "TAOZHONGJIE_STRIPE_KEY" if key is None else "TAOZHONGJIE_STRIPE_WEBHOOK_SECRET"
        raise ValueError(f"{missing} is missing: the key and the webhook secret of Stripe go together.")
    if api is not None:
        parts = urlsplit(api)
        if parts.scheme != "http" or parts.hostname != "127.0.0.1" or parts.path or parts.query:
            raise ValueError("TAOZHONGJIE_STRIPE_API must be http://127.0.0.1:PORT: a stand-in runs on this machine.")
        if env.get("TAOZHONGJIE_PRODUCTION") == "1":
            raise ValueError("TAOZHONGJIE_STRIPE_API names a stand-in for Stripe: not with TAOZHONGJIE_PRODUCTION=1.")
    return key, secret, api


def _open_data(env: Mapping[str, str]) -> tuple[str, str]:
    """Prefix and licence of open data, each checked: both stand in every file that is published."""
    prefix = env.get("TAOZHONGJIE_OCID_PREFIX") or Settings.NO_OCID_PREFIX
    if re.fullmatch(r"ocds-[a-z0-9]{6}", prefix) is None:
        raise ValueError(f"TAOZHONGJIE_OCID_PREFIX is {prefix!r}: it must be ocds- and six letters or digits.")
    licence = env.get("TAOZHONGJIE_DATA_LICENCE") or "https://creativecommons.org/licenses/by/4.0/"
    if not (licence.startswith("https://") and urlsplit(licence).netloc and licence.isascii() and " " not in licence):
        raise ValueError(f"TAOZHONGJIE_DATA_LICENCE is {licence!r}: it must be an address that begins with https://.")
    return prefix, licence


def read(env: Mapping[str, str]) -> Settings:
    """Settings from environment variables. Raises ValueError naming the variable at fault and the mend."""
    home = Path(env.get("TAOZHONGJIE_HOME", "var")).absolute()
    url = env.get("DATABASE_URL") or f"sqlite:///{home / 'city.db'}"
    if url.startswith("postgres://"):
        url = "postgresql://" + url.removeprefix("postgres://")
    if not url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        raise ValueError("DATABASE_URL must begin with sqlite:/// or postgresql://.")
    host = env.get("TAOZHONGJIE_HOST", "127.0.0.1")
    port = _number(env, "TAOZHONGJIE_PORT", 8000, 1, 65535)
    sqlite = url.startswith("sqlite")
    stripe_key, stripe_secret, stripe_api = _stripe(env)
    ocid_prefix, data_licence = _open_data(env)
    return Settings(
        home=home,
        database_url=url,
        keeper_socket=Path(env.get("TAOZHONGJIE_KEEPER", str(home / "keeper.sock"))),
        host=host,
        port=port,
        workers=1 if sqlite else _number(env, "TAOZHONGJIE_WORKERS", 1, 1, 64),
        threads=_number(env, "TAOZHONGJIE_THREADS", 32, 1, 256),
        production=env.get("TAOZHONGJIE_PRODUCTION") == "1",
        public_url=env.get("TAOZHONGJIE_URL", f"http://{host}:{port}").rstrip("/"),
        smtp_url=env.get("TAOZHONGJIE_SMTP") or None,
        mail_from=env.get("TAOZHONGJIE_MAIL_FROM", "noreply@taozhongjie.example"),
        city_name=env.get("TAOZHONGJIE_CITY", "澄浦市"),
        stripe_key=stripe_key,
        stripe_webhook_secret=stripe_secret,
        stripe_api=stripe_api,
        ocid_prefix=ocid_prefix,
        data_licence=data_licence,
    )
