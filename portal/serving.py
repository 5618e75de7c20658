"""What granian loads: the app of the city that the environment describes."""

import os

from flask import Flask

from market import settings
from portal.app import create_app
from portal.composition import cookie_secret, open_city
from portal.logs import write_json


def make() -> Flask:
    """The WSGI application."""
    write_json()
    city = open_city(settings.read(os.environ))
    return create_app(city, cookie_secret(city.db))
