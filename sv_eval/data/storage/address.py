"""Addresses of what lies elsewhere, and the rule that none of them holds a secret."""

from __future__ import annotations

import re

from sv_eval.errors import ConfigError

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_USER = re.compile(r"(?<=://)[^/\s@]*@")
_SIGNED = re.compile(r"(?i)([?&](?:[\w-]*(?:signature|token|credential|secret|password|key)[\w-]*|sig)=)[^&\s]*")


def is_address(text: str) -> bool:
    """Whether it names a place elsewhere, and no path.

    >>> is_address("s3://bucket/speech"), is_address("/data/speech"), is_address("C:\\\\speech")
    (True, False, False)
    """
    return _SCHEME.match(text) is not None


def without_secrets(text: str) -> str:
    """The text, with users, passwords and signatures of addresses in it left out.

    >>> without_secrets("https://me:pass@host/a.wav?X-Amz-Signature=abc&part=2")
    'https://...@host/a.wav?X-Amz-Signature=...&part=2'
    """
    return _SIGNED.sub(r"\1...", _USER.sub("...@", text))


def refuse_secrets(key: str, text: str | None) -> None:
    """Raises ConfigError for an address with a password or a signature: a run keeps and shows its settings.

    key: which setting it is.
    """
    if text is not None and is_address(text) and (shown := without_secrets(text)) != text:
        raise ConfigError(
            f"{key}={shown} holds a password or a key, which a run's files would keep; give it where the "
            "store's own tools look for it (AWS_ACCESS_KEY_ID, ~/.aws, GOOGLE_APPLICATION_CREDENTIALS, HF_TOKEN)"
        )
