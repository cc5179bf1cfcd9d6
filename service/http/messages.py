"""Every sentence that a client may read, in Traditional Chinese and in English, and which of the two it prefers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from actors.providers.problem import Language, Text
from storage.jobs import FailureReason


class ErrorCode(StrEnum):
    """The `error` of an error's body."""

    VALIDATION_ERROR = "VALIDATION_ERROR"
    UNKNOWN_PROVIDER = "UNKNOWN_PROVIDER"
    PROVIDER_NOT_CONFIGURED = "PROVIDER_NOT_CONFIGURED"
    PROVIDER_REJECTED = "PROVIDER_REJECTED"
    VOICE_NOT_FOUND = "VOICE_NOT_FOUND"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    NOT_FOUND = "NOT_FOUND"
    JOB_NOT_FOUND = "JOB_NOT_FOUND"
    JOB_NOT_COMPLETED = "JOB_NOT_COMPLETED"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    JOB_CANNOT_CANCEL = "JOB_CANNOT_CANCEL"
    JOB_CANNOT_RESUBMIT = "JOB_CANNOT_RESUBMIT"
    JOB_CANNOT_REVISE = "JOB_CANNOT_REVISE"
    AUDIO_EXPIRED = "AUDIO_EXPIRED"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    RANGE_NOT_SATISFIABLE = "RANGE_NOT_SATISFIABLE"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    JOB_LIMIT_EXCEEDED = "JOB_LIMIT_EXCEEDED"
    RATE_LIMITED = "RATE_LIMITED"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    INTERNAL_ERROR = "INTERNAL_ERROR"


ERRORS: Final[Mapping[ErrorCode, Text]] = {
    ErrorCode.VALIDATION_ERROR: Text("請求內容有誤，請修正後再試", "The request is not valid: see the details"),
    ErrorCode.UNKNOWN_PROVIDER: Text("沒有這個語音服務", "There is no such provider"),
    ErrorCode.PROVIDER_NOT_CONFIGURED: Text("此語音服務尚未設定", "This provider is not configured"),
    ErrorCode.PROVIDER_REJECTED: Text("語音服務拒絕請求", "The speech provider refused the request"),
    ErrorCode.VOICE_NOT_FOUND: Text("此語音服務沒有這個語音", "The provider has no such voice"),
    ErrorCode.UNAUTHENTICATED: Text("請提供有效的 API 金鑰", "A valid API key is needed"),
    ErrorCode.NOT_FOUND: Text("找不到這個網址", "There is nothing at this address"),
    ErrorCode.JOB_NOT_FOUND: Text("工作不存在", "There is no such job"),
    ErrorCode.JOB_NOT_COMPLETED: Text("音檔尚未完成", "The job has no audio: it is not completed"),
    ErrorCode.METHOD_NOT_ALLOWED: Text("此網址不接受這個方法", "This address does not take this method"),
    ErrorCode.JOB_CANNOT_CANCEL: Text("只有等待中的工作可以取消", "Only a pending job can be cancelled"),
    ErrorCode.JOB_CANNOT_RESUBMIT: Text(
        "只有失敗或已取消的工作可以重新提交", "Only a failed or cancelled job can be resubmitted"
    ),
    ErrorCode.JOB_CANNOT_REVISE: Text(
        "只有已完成或失敗的工作可以修改重做", "Only a completed or failed job can be revised"
    ),
    ErrorCode.AUDIO_EXPIRED: Text("音檔已過保存期限", "The audio is no longer kept"),
    ErrorCode.PAYLOAD_TOO_LARGE: Text("請求內容太大", "The request is too large"),
    ErrorCode.RANGE_NOT_SATISFIABLE: Text("要求的範圍不在音檔之內", "The range is not within the audio"),
    ErrorCode.IDEMPOTENCY_KEY_REUSED: Text(
        "這個 Idempotency-Key 已用於另一個請求", "This Idempotency-Key came before, with another request"
    ),
    ErrorCode.JOB_LIMIT_EXCEEDED: Text(
        "已達並發上限，請等待現有工作完成", "Too many active jobs: wait until one of them has ended"
    ),
    ErrorCode.RATE_LIMITED: Text("請求太頻繁，請稍後再試", "Too many requests: wait a moment"),
    ErrorCode.SERVICE_UNAVAILABLE: Text("服務暫時無法使用，請稍後再試", "The service is unavailable: try again soon"),
    ErrorCode.INTERNAL_ERROR: Text("系統錯誤", "Something went wrong on our side"),
}

FAILURES: Final[Mapping[FailureReason, Text]] = {
    FailureReason.TIMEOUT: Text("執行逾時", "The job took too long"),
    FailureReason.SYSTEM_INTERRUPTED: Text("系統中斷", "The system was interrupted"),
    FailureReason.PROVIDER_FAILED: Text("語音服務呼叫失敗", "The speech provider failed"),
    FailureReason.PROVIDER_REJECTED: Text("語音服務拒絕請求", "The speech provider refused the request"),
    FailureReason.STORAGE_FAILED: Text("音檔儲存失敗", "The audio could not be stored"),
    FailureReason.ORPHANED: Text("等待逾時", "The job waited too long"),
    FailureReason.INTERNAL: Text("系統錯誤", "Something went wrong on our side"),
}

#: The reasons whose stored detail is fit for the user to read.
_EXPLAINED: Final = frozenset(
    {FailureReason.PROVIDER_FAILED, FailureReason.PROVIDER_REJECTED, FailureReason.STORAGE_FAILED}
)


def failure_message(reason: FailureReason, detail: str | None, language: Language) -> str:
    """Why a job failed, with the provider's own words where they help."""
    message = FAILURES[reason](language)
    if not detail or reason not in _EXPLAINED:
        return message
    return f"{message}：{detail}" if language == "zh" else f"{message}: {detail}"


#: `Accept-Language` is read so far, in characters: browsers send fewer than a hundred.
_HEADER_LENGTH: Final = 500
#: One range of it, without the space around it. No two parts that follow each other can both be space.
_RANGE: Final = re.compile(
    r"([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9]{1,8})*(?:[ \t]*;[ \t]*[qQ]=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?"
)


def preferred_language(accept_language: str | None) -> Language:
    """Which of our languages `Accept-Language` asks for (RFC 9110, 12.5.4); Chinese when it asks for neither.

    The more specific range decides: `*` only says something of a language that is not named. Ranges that are not
    well formed count as not sent.
    """
    if not accept_language:
        return "zh"
    quality: dict[str, float] = {}
    for position, part in enumerate(accept_language[:_HEADER_LENGTH].split(",")):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            continue
        # Of two languages that are liked equally, the one named first: far less than a step of q.
        liked = float(match[2] or 1)
        order = liked - position * 1e-6 if liked else 0.0
        name = match[1].lower()
        quality[name] = max(order, quality.get(name, 0.0))
    anything = quality.get("*", 0.0)
    zh, en = quality.get("zh", anything), quality.get("en", anything)
    return "en" if en > zh else "zh"
