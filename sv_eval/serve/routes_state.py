"""What the service says about itself: health, models, metrics, and the page."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from sv_eval.serve.openapi import answers
from sv_eval.serve.routes_emotion import TheService, answered
from sv_eval.version import __version__
from sv_eval.wire.messages import Health, ModelCard, ModelList
from sv_eval.wire.problems import ServiceError

router = APIRouter(tags=["state"])


@router.head("/health", include_in_schema=False)
@router.get("/health", summary="Whether the process lives", responses=answers(Health), response_class=Response)
async def health() -> Response:
    """Answer as long as the process can."""
    return answered(Health(status="ok", version=__version__))


@router.head("/health/ready", include_in_schema=False)
@router.get(
    "/health/ready",
    summary="Whether a request would be answered now",
    responses=answers(Health, ("shutting_down",)),
    response_class=Response,
)
async def ready(service: TheService) -> Response:
    """Answer 200 when the model is loaded and the queue is not full."""
    service.recognition.check_ready()
    found = Health(
        status="ready",
        version=__version__,
        model=service.recognition.model_id,
        queue_depth=service.recognition.queue_depth,
    )
    return answered(found)


@router.get("/v1/models", summary="What is served", responses=answers(ModelList), response_class=Response)
async def models(service: TheService) -> Response:
    """List the one model that is served."""
    return answered(ModelList(object="list", data=[service.card()]))


@router.get(
    "/v1/models/{model}",
    summary="A model with its card",
    responses=answers(ModelCard, ("model_not_found",)),
    response_class=Response,
)
async def model(model: str, service: TheService) -> Response:
    """Say what a model was trained on, too."""
    return answered(service.whole_card(model))


@router.get("/metrics", include_in_schema=False)
async def metrics(service: TheService) -> Response:
    """Give Prometheus its figures."""
    if not service.config.metrics:
        raise ServiceError("not_found", "metrics are turned off")
    service.meters.set("queue_depth", service.recognition.queue_depth)
    service.meters.set("buffered_bytes", service.buffered.held)
    return Response(service.meters.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
