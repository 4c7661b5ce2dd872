"""The HTTP application: routes, errors and documentation put together."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi import Request as HttpRequest
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHttpException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from sv_eval.serve import page_routes, routes_emotion, routes_openai, routes_state, routes_stream
from sv_eval.serve.admission import AdmissionControl, AdmissionMiddleware, problem_answer
from sv_eval.serve.openapi import DESCRIPTION, openapi_document
from sv_eval.serve.reporter import Reporter
from sv_eval.serve.service import Service
from sv_eval.version import __version__
from sv_eval.wire.problems import ServiceError

_DOCS_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_EXPOSED = ["X-Request-ID", "Server-Timing", "Retry-After"]


def create_app(service: Service, admission: AdmissionControl, reporter: Reporter) -> ASGIApp:
    """The application in front of a service. Its model need not be loaded yet."""
    config = service.config
    app = _documented() if config.docs else FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.state.service = service
    # A redirect to where the slash is right would name whatever host the caller named.
    app.router.redirect_slashes = False
    for routes in (routes_emotion, routes_openai, routes_stream, routes_state):
        app.include_router(routes.router)
    if config.docs:
        app.include_router(page_routes.router)
    app.add_exception_handler(ServiceError, _on_service_error)
    app.add_exception_handler(StarletteHttpException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(Exception, _on_defect)
    app.openapi = lambda: openapi_document(app)  # type: ignore[method-assign]
    middleware = AdmissionMiddleware(
        app=app,
        admission=admission,
        buffered=service.buffered,
        reporter=reporter,
        draining=lambda: service.recognition.draining,
    )
    if not config.cors_origins:
        return middleware
    # Outermost, so that a page can also read what admission refuses.
    return CORSMiddleware(
        middleware,
        allow_origins=list(config.cors_origins),
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-Request-ID"],
        expose_headers=_EXPOSED,
    )


def _documented() -> FastAPI:
    """An application with its documentation; Swagger UI comes from a package and not over the network."""
    from fastapi_offline import FastAPIOffline

    return FastAPIOffline(
        title="sv_eval: speech emotion recognition",
        version=__version__,
        description=DESCRIPTION,
        docs_url="/docs",
        redoc_url=None,
        static_url="/docs/static",
        swagger_ui_parameters={"tryItOutEnabled": True, "defaultModelsExpandDepth": 0},
    )


async def _on_service_error(request: HttpRequest, error: Exception) -> Response:
    assert isinstance(error, ServiceError)
    status, headers, body = problem_answer(error, request.state.trace, request.scope["path"])
    return Response(body, status_code=status, headers=headers)


async def _on_http_error(request: HttpRequest, error: Exception) -> Response:
    """What the routing itself refuses."""
    assert isinstance(error, StarletteHttpException)
    word = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_request")
    detail = {
        "not_found": f"there is nothing at {request.scope['path'][:100]}",
        "method_not_allowed": f"{request.method} is not taken here",
    }.get(word, str(error.detail))
    answer = await _on_service_error(request, ServiceError(word, detail))
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer


async def _on_validation_error(request: HttpRequest, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return await _on_service_error(request, ServiceError("invalid_request", "the request can't be read"))


async def _on_defect(request: HttpRequest, _: Exception) -> Response:
    """An error that nobody expected; it is raised again afterwards, for the log."""
    return await _on_service_error(request, ServiceError("internal", "something went wrong in the service"))
