"""How an error becomes an answer: one shape for all of them, whatever raised it.

`EXCEPTION_HANDLERS` is the table; the sentences are in `messages.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

import structlog
from litestar import Request, Response
from litestar.enums import HttpMethod, MediaType
from litestar.exceptions import (
    ClientException,
    HTTPException,
    InternalServerException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.utils.path import normalize_path

from actors.providers.problem import Language, Problem, Text
from service.http.messages import ERRORS, ErrorCode, preferred_language
from storage.audio_store import ObjectStoreFull, ObjectStoreUnavailable
from storage.errors import DatabaseUnavailable
from storage.jobs import (
    IdempotencyKeyReused,
    JobCannotCancel,
    JobCannotResubmit,
    JobCannotRevise,
    JobConflict,
    JobLimitExceeded,
    JobNotFound,
)

log = structlog.get_logger()

AnyRequest = Request[Any, Any, Any]

#: What a client is told to wait, in seconds, when the database or the object store is away.
UNAVAILABLE_RETRY_AFTER_S: Final = 5
#: The same, when it has as many active jobs as is allowed: a short dialogue is done by then.
LIMIT_RETRY_AFTER_S: Final = 5

STATUS_OF: Final[Mapping[ErrorCode, int]] = {
    ErrorCode.VALIDATION_ERROR: 400,
    ErrorCode.UNKNOWN_PROVIDER: 400,
    ErrorCode.PROVIDER_NOT_CONFIGURED: 400,
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.VOICE_NOT_FOUND: 404,
    ErrorCode.JOB_NOT_FOUND: 404,
    ErrorCode.JOB_NOT_COMPLETED: 404,
    ErrorCode.METHOD_NOT_ALLOWED: 405,
    ErrorCode.PROVIDER_REJECTED: 409,
    ErrorCode.JOB_CANNOT_CANCEL: 409,
    ErrorCode.JOB_CANNOT_RESUBMIT: 409,
    ErrorCode.JOB_CANNOT_REVISE: 409,
    ErrorCode.AUDIO_EXPIRED: 410,
    ErrorCode.PAYLOAD_TOO_LARGE: 413,
    ErrorCode.RANGE_NOT_SATISFIABLE: 416,
    ErrorCode.IDEMPOTENCY_KEY_REUSED: 422,
    ErrorCode.JOB_LIMIT_EXCEEDED: 429,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.SERVICE_UNAVAILABLE: 503,
    ErrorCode.INTERNAL_ERROR: 500,
}


class ApiError(Exception):
    """A request that is not answered with what it asked for.

    `status`: where it differs from the code's usual one. `text`: where there is more to say than the code's sentence.
    """

    def __init__(
        self,
        code: ErrorCode,
        details: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        status: int | None = None,
        text: Text | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.details = details
        self.headers = headers or {}
        self.status = status or STATUS_OF[code]
        self.text = text or ERRORS[code]


class InvalidRequest(ApiError):
    """A request with problems, every one of which is named. `code`: where one problem has a code of its own."""

    def __init__(
        self,
        problems: Sequence[Problem],
        code: ErrorCode = ErrorCode.VALIDATION_ERROR,
    ) -> None:
        super().__init__(code)
        self.problems = problems


def language_of(request: AnyRequest) -> Language:
    """The language that the client reads."""
    return preferred_language(request.headers.get("accept-language"))


def answer_api_error(request: AnyRequest, error: ApiError) -> Response[Any]:
    """The one shape: `{"error": code, "message": sentence, "details": object or null}`."""
    language = language_of(request)
    details = error.details
    if isinstance(error, InvalidRequest):
        named = [_named(problem, language) for problem in error.problems]
        details = {"problems": named}
    return Response(
        {"error": error.code, "message": error.text(language), "details": details},
        status_code=error.status,
        media_type=MediaType.JSON,
        headers={
            "Content-Language": "zh-TW" if language == "zh" else "en",
            "Vary": "Accept-Language",
            **error.headers,
        },
    )


def _named(problem: Problem, language: Language) -> Mapping[str, str]:
    return {"field": _printable(problem.field), "message": _printable(problem.text(language))}


def _printable(text: str) -> str:
    # What a client sent may hold lone surrogates, which no answer can carry.
    return text.encode("utf-8", "backslashreplace").decode()


def _answered_as(
    code: ErrorCode, details: Callable[[Any], Mapping[str, Any]] | None = None, *, retry_after_s: int | None = None
) -> Callable[[AnyRequest, Any], Response[Any]]:
    """A handler: an error is answered with this code, and with what there is to say of it."""
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s else None

    def answer(request: AnyRequest, error: Any) -> Response[Any]:
        return answer_api_error(request, ApiError(code, details(error) if details else None, headers=headers))

    return answer


def _its_status(error: JobConflict) -> Mapping[str, Any]:
    return {"status": error.status}


def _its_limit(error: JobLimitExceeded) -> Mapping[str, Any]:
    return {"current_jobs": error.current_jobs, "max_jobs": error.max_jobs}


def _database_away(request: AnyRequest, error: DatabaseUnavailable) -> Response[Any]:
    log.warning("database_unavailable", reason=str(error))
    return _unavailable(request, "database")


def _object_store_away(request: AnyRequest, error: Exception) -> Response[Any]:
    log.warning("object_store_unavailable", reason=str(error))
    return _unavailable(request, "object_store")


def _unavailable(request: AnyRequest, what: str) -> Response[Any]:
    headers = {"Retry-After": str(UNAVAILABLE_RETRY_AFTER_S)}
    return answer_api_error(request, ApiError(ErrorCode.SERVICE_UNAVAILABLE, {"unavailable": [what]}, headers=headers))


def _method_not_allowed(request: AnyRequest, _error: MethodNotAllowedException) -> Response[Any]:
    allowed = methods_of(request)
    error = ApiError(ErrorCode.METHOD_NOT_ALLOWED, {"allowed": allowed}, headers={"Allow": ", ".join(allowed)})
    return answer_api_error(request, error)


def methods_of(request: AnyRequest) -> Sequence[str]:
    """The methods that the path of a request takes (RFC 9110, 15.5.6)."""
    allowed: list[str] = []
    for method in HttpMethod:
        try:
            request.app.asgi_router.handle_routing(path=normalize_path(request.scope["path"]), method=method.value)
        except HTTPException:
            continue
        allowed.append(method.value)
    return allowed


def _too_large(request: AnyRequest, _error: RequestEntityTooLarge) -> Response[Any]:
    limit = request.route_handler.resolve_request_max_body_size()
    return answer_api_error(request, ApiError(ErrorCode.PAYLOAD_TOO_LARGE, {"max_bytes": limit}))


#: What the query parameters of every route must be.
PARAMETERS: Final[Mapping[str, Text]] = {
    "limit": Text("須為 1 到 100 的整數", "must be a whole number from 1 to 100"),
    "offset": Text("須為 0 以上的整數", "must be a whole number, 0 or more"),
    "status": Text(
        "須為 pending、processing、completed、failed 或 cancelled",
        "must be pending, processing, completed, failed or cancelled",
    ),
    "disposition": Text("須為 attachment 或 inline", "must be attachment or inline"),
    "format": Text("須為 vtt 或 srt", "must be vtt or srt"),
}
_BAD_PARAMETER: Final = Text("不是可用的值", "is not a usable value")


def _bad_parameters(request: AnyRequest, error: ValidationException) -> Response[Any]:
    """Query parameters that Litestar has refused."""
    found = cast("list[Mapping[str, Any]]", error.extra) if isinstance(error.extra, list) else []
    names = list(dict.fromkeys(str(one.get("key", "")) for one in found)) or ["query"]
    return answer_api_error(
        request, InvalidRequest([Problem(name, PARAMETERS.get(name, _BAD_PARAMETER)) for name in names])
    )


def _bad_request(request: AnyRequest, _error: ClientException) -> Response[Any]:
    """A request that is not even HTTP as it should be: a bad Host or Content-Length."""
    return answer_api_error(request, ApiError(ErrorCode.VALIDATION_ERROR))


def _interrupted(request: AnyRequest, error: InternalServerException) -> Response[Any]:
    # A client that goes away while it sends its body; nobody reads this answer.
    if "disconnected" in error.detail:
        log.info("client_disconnected")
        return answer_api_error(request, ApiError(ErrorCode.VALIDATION_ERROR))
    return _crash(request, error)


def _crash(request: AnyRequest, error: Exception) -> Response[Any]:
    log.error("request_crashed", exc_info=error)
    return answer_api_error(request, ApiError(ErrorCode.INTERNAL_ERROR))


#: What is raised → what is answered. The closest class decides.
EXCEPTION_HANDLERS: Final[dict[int | type[Exception], Callable[[AnyRequest, Any], Response[Any]]]] = {
    ApiError: answer_api_error,
    JobNotFound: _answered_as(ErrorCode.JOB_NOT_FOUND),
    JobLimitExceeded: _answered_as(ErrorCode.JOB_LIMIT_EXCEEDED, _its_limit, retry_after_s=LIMIT_RETRY_AFTER_S),
    JobCannotCancel: _answered_as(ErrorCode.JOB_CANNOT_CANCEL, _its_status),
    JobCannotResubmit: _answered_as(ErrorCode.JOB_CANNOT_RESUBMIT, _its_status),
    JobCannotRevise: _answered_as(ErrorCode.JOB_CANNOT_REVISE, _its_status),
    IdempotencyKeyReused: _answered_as(ErrorCode.IDEMPOTENCY_KEY_REUSED),
    DatabaseUnavailable: _database_away,
    ObjectStoreUnavailable: _object_store_away,
    ObjectStoreFull: _object_store_away,
    NotFoundException: _answered_as(ErrorCode.NOT_FOUND),
    MethodNotAllowedException: _method_not_allowed,
    RequestEntityTooLarge: _too_large,
    ValidationException: _bad_parameters,
    ClientException: _bad_request,
    InternalServerException: _interrupted,
    Exception: _crash,
}
