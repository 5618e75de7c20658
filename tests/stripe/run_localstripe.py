"""Runs localstripe on one port of 127.0.0.1, in its own venv and process: by itself it listens on every interface.

Nothing is kept on disk: by itself it writes a pickle into the shared temporary folder with each object, and reads the
one it finds there, which any local user may have put. Usage: .venv-stripe/bin/python tests/stripe/run_localstripe.py
PORT (0: a free one); prints the port when it listens.
"""

import asyncio
import sys

from aiohttp import web
from localstripe import resources, server


async def no_disputes(_: web.Request) -> web.Response:
    """It knows no disputes; a program that lists them must be told that there are none."""
    return web.json_response({"object": "list", "url": "/v1/disputes", "data": [], "has_more": False})


async def serve(port: int) -> None:
    """Answer until killed."""
    resources.Store.dump_to_disk = lambda self: None
    server.app.router.add_get("/v1/disputes", no_disputes)
    runner = web.AppRunner(server.app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


asyncio.run(serve(int(sys.argv[1])))
