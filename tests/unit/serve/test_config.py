"""The service's settings."""

from __future__ import annotations

import pytest

from sv_eval.config.composing import composed
from sv_eval.errors import ConfigError
from sv_eval.serve.config import ServeConfig, serve_config_from


def test_the_file_and_the_defaults_in_code_are_the_same() -> None:
    assert serve_config_from(composed("serve", [], ("serve",))["serve"]) == ServeConfig()


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("serve.port=70000", "serve.port=70000"),
        ("serve.workers=0", "serve.workers=0"),
        ("serve.deadline_s=0", "serve.deadline_s"),
        ("serve.deadline_s=soon", "deadline_s"),
        ("serve.batch_wait_ms=-1", "serve.batch_wait_ms=-1"),
        ("serve.limits.max_duration_s=-1", "serve.limits.max_duration_s"),
        ("serve.limits.min_duration_s=900", "serve.limits.min_duration_s"),
        ("serve.limits.max_body_bytes=0", "serve.limits.max_body_bytes=0"),
        ("serve.streams.max_open=0", "serve.streams.max_open=0"),
        ("serve.silence_dbfs=3", "serve.silence_dbfs=3"),
        ("serve.rate_limit=0", "serve.rate_limit=0"),
    ],
)
def test_a_value_that_can_not_be_is_named(override: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        serve_config_from(composed("serve", [override], ("serve",))["serve"])
