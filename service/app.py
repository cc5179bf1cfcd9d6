"""The API in one view: its routes, its errors, and what surrounds every request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.exceptions import NotFoundException
from litestar.types import ControllerRouterHandler
from msgspec import Raw
from pydantic import BaseModel

from actors.preview import Previews
from service.http.auth import Guard, caller, guard
from service.http.errors import EXCEPTION_HANDLERS
from service.http.json_body import MAX_BODY_BYTES
from service.http.metrics import Metrics
from service.http.middleware import RequestMiddleware
from service.http.outside import Outside
from service.http.rate_limit import RateLimit
from service.http.sites import Sites
from service.http.threads import FairThreads
from service.page import page, sign_in
from service.resources import Resources
from service.routes import dialogues, download, health, jobs, lexicon, metrics, openapi, providers, timeline
from service.settings import ServiceSettings


def route_table(guard_of_users: Guard | None = None) -> Sequence[ControllerRouterHandler]:
    """Every route. Each says of itself what it takes and answers."""
    of_a_user = Router(
        "/api/v1",
        route_handlers=[
            jobs.submit_job,
            jobs.quote_job,
            jobs.list_jobs,
            jobs.get_job,
            jobs.cancel_job,
            jobs.resubmit_job,
            jobs.revise_job,
            download.download_audio,
            download.link_to_audio,
            timeline.read_captions,
            timeline.read_peaks,
            providers.list_providers,
            providers.list_voices,
            providers.preview_voice,
            dialogues.parse_dialogue_text,
            lexicon.read_lexicon,
            lexicon.write_lexicon,
        ],
        guards=[guard_of_users] if guard_of_users else [],
    )
    return [
        of_a_user,
        health.live,
        health.ready,
        metrics.read_metrics,
        openapi.read_schema,
        openapi.show_schema,
        *page.ROUTES,
        sign_in.sign_in,
        sign_in.sign_out,
    ]


def create_app(settings: ServiceSettings, resources: Resources) -> Litestar:
    """The app. It closes nothing of `resources`: whoever made them closes them after it."""
    numbers = Metrics(resources.stores.jobs, resources.stores.retention)
    checks = health.checks_of(resources)
    # A request does not wait for a database that is away.
    previews = Previews(resources.stores.segments.impatient(), resources.stores.audio)
    preview_limit = RateLimit(providers.PREVIEWS_PER_MINUTE, "previews")
    outside = Outside()

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncGenerator[None]:
        # Handlers that are not async run in the loop's own executor, which by itself has a few threads a core. The loop
        # closes it.
        asyncio.get_running_loop().set_default_executor(FairThreads(settings.sync_threads))
        yield
        checks.close()
        outside.close()

    app = Litestar(
        route_handlers=route_table(guard(settings, resources.stores.keys)),
        dependencies={
            "settings": Provide(lambda: settings, sync_to_thread=False),
            "resources": Provide(lambda: resources, sync_to_thread=False),
            "metrics": Provide(lambda: numbers, sync_to_thread=False),
            "checks": Provide(lambda: checks, sync_to_thread=False),
            "outside": Provide(lambda: outside, sync_to_thread=False),
            "preview_limit": Provide(lambda: preview_limit, sync_to_thread=False),
            "previews": Provide(lambda: previews, sync_to_thread=False),
            "document": Provide(lambda: document, sync_to_thread=False),
            "user_id": caller(settings),
        },
        # As text at once: Litestar would make a dict of a model, and text of that. By alias: Python has a word `from`.
        type_encoders={BaseModel: lambda model: Raw(model.model_dump_json(by_alias=True).encode())},
        exception_handlers={**EXCEPTION_HANDLERS, NotFoundException: page.nothing_here},
        request_max_body_size=MAX_BODY_BYTES,
        lifespan=[lifespan],
        openapi_config=None,  # `openapi.py` says more, and more exactly, than can be read from the handlers
        logging_config=None,
    )
    document = openapi.openapi_document(app.routes, settings)
    # Litestar's own middleware does not see requests that no route takes.
    sites = Sites(settings.hosts, settings.reached_at)
    app.asgi_handler = RequestMiddleware(app.asgi_handler, numbers, sites)
    return app
