"""Addresses, keys and what must not get into a configuration."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from sv_eval.backends.remote.endpoint import Connection, endpoint_of
from sv_eval.backends.remote.http_messages import multipart, retry_after_s
from sv_eval.backends.remote.timeline import Timeline
from sv_eval.errors import ConfigError

HTTP = ("http", "https")


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://host", "http://host:80/v1/audio"),
        ("http://host:8000/", "http://host:8000/v1/audio"),
        ("http://host:8000/v1", "http://host:8000/v1/audio"),
        ("http://host:8000/v1/audio", "http://host:8000/v1/audio"),
        ("https://host/proxy/v1/", "https://host:443/proxy/v1/audio"),
        ("http://[::1]:8000", "http://[::1]:8000/v1/audio"),
        ("http://host:8000?lang=de", "http://host:8000/v1/audio?lang=de"),
    ],
)
def test_an_address_may_hold_as_much_of_the_path_as_one_likes(url: str, target: str) -> None:
    assert endpoint_of(url, Connection(), HTTP, "/v1/audio").target == target


def test_other_paths_of_the_service_are_beside_it() -> None:
    endpoint = endpoint_of("http://host/proxy/v1/audio", Connection(), HTTP, "/v1/audio")

    assert endpoint.beside("/v1/models") == "http://host:80/proxy/v1/models"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("host:8000", "with its scheme"),
        ("htp://host", "did you mean http"),
        ("ws://host", "spoken over http or https"),
        ("http://", "with its scheme"),
        ("http://host:99999", "not an address"),
        ("http://me:pw@host", "must not hold a name or password"),
        ("http://host/?api_key=1", r"must not hold a secret \('api_key'\)"),
    ],
)
def test_an_address_that_can_not_be_used_is_explained(url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        endpoint_of(url, Connection(), HTTP)
    assert "pw" not in str(caught.value)


def test_the_key_comes_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.write_text("from-file\n")
    monkeypatch.setenv("MY_KEY", "from-environment")

    headers = {"Authorization": "Bearer {api_key}", "X-Other": "1"}
    by_file = endpoint_of("http://h", Connection(api_key_file=str(file)), HTTP)
    by_name = endpoint_of("http://h", Connection(api_key_env="MY_KEY"), HTTP)
    without = endpoint_of("http://h", Connection(api_key_env="NOT_SET"), HTTP)

    assert by_file.authorised(headers)["Authorization"] == "Bearer from-file"
    assert by_name.authorised(headers)["Authorization"] == "Bearer from-environment"
    assert without.authorised(headers) == {"X-Other": "1"}
    assert "from-file" not in repr(by_file)
    assert by_file.cleared("the key from-file is bad") == "the key *** is bad"


@pytest.mark.parametrize("content", ["", "two words", "line\nline"])
def test_a_file_without_a_key_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "key"
    file.write_text(content)

    with pytest.raises(ConfigError, match="key"):
        endpoint_of("http://h", Connection(api_key_file=str(file)), HTTP)


def test_a_missing_key_file_and_bad_authorities_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"api_key_file=.*can't be read"):
        endpoint_of("http://h", Connection(api_key_file=str(tmp_path / "no")), HTTP)
    bad = tmp_path / "ca.pem"
    bad.write_text("no certificate")
    with pytest.raises(ConfigError, match=r"ca_file=.*no PEM certificates"):
        endpoint_of("https://h", Connection(ca_file=str(bad)), HTTP).tls_context()


@pytest.mark.parametrize("wrong", [{"total_s": 0}, {"attempts": 0}, {"backoff_s": 5, "longest_backoff_s": 1}])
def test_limits_that_can_not_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=r"backend\.connection"):
        Connection(**wrong)  # type: ignore[arg-type]


def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after_s({"Retry-After": "1.5"}) == 1.5
    assert retry_after_s({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0
    assert (retry_after_s({"Retry-After": "Fri, 31 Dec 2999 23:59:59 GMT"}) or 0) > 1e9
    assert retry_after_s({"Retry-After": "soon"}) is None
    assert retry_after_s({"Retry-After": "nan"}) is None
    assert retry_after_s({}) is None


def test_a_date_to_wait_for_is_held_against_the_answers_own_clock() -> None:
    late = {"Retry-After": "Wed, 21 Oct 2015 07:28:07 GMT", "Date": "Wed, 21 Oct 2015 07:28:00 GMT"}

    assert retry_after_s(late) == 7.0
    assert retry_after_s({**late, "Date": "nonsense"}) == 0.0


def test_a_form_with_the_boundary_in_its_file_gets_another_one() -> None:
    import email

    first = multipart([("a", "1")], name="f", file=b"x", filename="c.wav", media_type="audio/wav")
    boundary = first.headers["Content-Type"].partition("boundary=")[2].encode()
    hostile = b"\r\n--" + boundary + b"--\r\n"
    made = multipart([("a", "ü")], name="f", file=hostile, filename="c.wav", media_type="audio/wav")

    head = b"Content-Type: " + made.headers["Content-Type"].encode() + b"\r\n\r\n"
    field, file = email.message_from_bytes(head + made.body).get_payload()  # type: ignore[misc]
    assert field.get_payload(decode=True).decode() == "ü"  # type: ignore[union-attr]
    assert file.get_payload(decode=True) == hostile  # type: ignore[union-attr]
    assert file.get_filename() == "c.wav"  # type: ignore[union-attr]


def test_a_timeline_tells_stages_apart() -> None:
    line = Timeline(begin_s=10.0)
    line.dns_s, line.connect_s, line.tls_begin_s = (10.0, 10.1), (10.0, 10.6), 10.3
    line.sending_s, line.sent_s, line.answered_s, line.received_s = 10.6, 10.7, 11.0, 11.2
    line.server_ms = {"total": 250.0}

    expected = {
        "dns": 100,
        "connect": 200,
        "tls": 300,
        "send": 100,
        "wait": 300,
        "receive": 200,
        "server.total": 250,
    }
    assert line.stages_ms() == pytest.approx(expected)
    assert line.start_s == 10.6


def test_a_server_that_answers_before_it_has_read_everything_makes_no_negative_times() -> None:
    line = Timeline(begin_s=1.0)
    line.sending_s, line.answered_s, line.sent_s, line.received_s = 1.0, 1.1, 1.4, 1.5

    assert all(value >= 0 for value in line.stages_ms().values())


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("api.localhost", True),
        ("127.0.0.1", True),
        ("127.3.2.1", True),
        ("[::1]", True),
        ("0.0.0.0", True),
        (socket.gethostname(), True),
        ("203.0.113.7", False),
        ("example.org", False),
        ("127.0.0.1.example.org", False),
        ("[2001:db8::1]", False),
    ],
)
def test_an_address_of_this_very_machine_is_known(host: str, here: bool) -> None:
    assert endpoint_of(f"http://{host}:8000", Connection(), ("http",)).here == here
