"""Credentials leave no trace on records, and come back where they are needed."""

import pytest

from argo_audit.errors import UnavailableError
from argo_audit.judges.failures import provider_said
from argo_audit.outside.credentials import (
    ENV,
    command_line,
    has_credential,
    put_aside,
    redacted,
    whole,
)

HIDDEN = [
    ("https://u:pw@host:8000/v1?key=abc", "https://u:***@host:8000/v1?key=***"),
    ("https://TOKEN@host/x", "https://***@host/x"),
    ("http://u:p@ss@host/v1", "http://u:***@host/v1"),
    ("http://u:p/w@host/v1", "http://u:***@host/v1"),
    ("https://h/p?a=1&X-Amz-Signature=f00&b=2", "https://h/p?a=1&X-Amz-Signature=***&b=2"),
    ("https://h/p?api_key=k#at", "https://h/p?api_key=***#at"),
    ("https://h/p?access_token=k;v=1", "https://h/p?access_token=***;v=1"),
    ("https://h/sk-abcdefgh1234/v1", "https://h/***/v1"),
    ("served:m@http://u:1@a,http://u:2@b", "served:m@http://u:***@a,http://u:***@b"),
    ("served:m@http://a,http://u:2@b", "served:m@http://a,http://u:***@b"),
    ("https://u:p,w'|\\d@host/x", "https://u:***@host/x"),
    ("https://h/p#access_token=k", "https://h/p#access_token=***"),
]
PLAIN = [
    "http://gpu1:8000/v1", "s3://bucket/store", "served:org/m@http://gpu1:8000,http://gpu2:8000",
    "rm:org/model", "https://h/p?keyword=tea&page=2", "hf:ORG/NAME@main:train", "sk-learn-model",
    "memory://x", "http://host/a@b",
]  # fmt: skip


@pytest.mark.parametrize(("given", "kept"), HIDDEN)
def test_a_credential_is_put_aside_and_found_again(given: str, kept: str) -> None:
    assert put_aside(given) == redacted(given) == kept
    assert put_aside(kept) == kept
    assert whole(kept) == given
    assert has_credential(given)
    assert not has_credential(kept)


@pytest.mark.parametrize("given", PLAIN)
def test_what_holds_none_stays_as_it_is(given: str) -> None:
    assert put_aside(given) == redacted(given) == whole(given) == given


def test_a_process_that_was_not_given_one_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = "https://other:***@host/once?key=***"
    with pytest.raises(UnavailableError, match=f"on no record\n.*{ENV}="):
        whole(kept)
    monkeypatch.setenv(ENV, "http://x https://other:pw9@host/once?key=k9")
    assert whole(f"served:m@{kept}") == "served:m@https://other:pw9@host/once?key=k9"


def test_a_command_line_is_on_record_without_them() -> None:
    typed = ["argo-audit", "audit", "--labels", "served:m@http://h/x?key=PASS1", "--token", "PASS2",
             "-M", "api_key=PASS3", "--password=PASS4", "--judge", "openai/gpt", "sk-PASS5abc",
             "https://u:PASS6@h", "--out", "runs/a b"]  # fmt: skip
    kept = command_line(typed)
    assert "PASS" not in kept
    assert kept.endswith("--out 'runs/a b'")
    assert "--judge openai/gpt" in kept


@pytest.mark.parametrize(
    "said",
    [
        'refused: {"headers": {"Authorization": "Bearer abc.SECRET"}}',
        "Authorization: Basic SECRET==",
        "got authorization=SECRET here",
        "invalid key sk-proj-1SECRET given",
        "Bearer SECRET.SECRET",
        "Incorrect API key provided: SECRET77. Find yours at https://platform",
        '{"x-api-key": "12SECRET"}',
        "your key plain-old-SECRET was refused",
    ],
)
def test_what_a_server_repeats_is_not_repeated(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_API_KEY", "plain-old-SECRET")
    monkeypatch.setenv("SHORT_KEY", "key")
    monkeypatch.setenv("PATH_TO_KEY", "/refused/at")
    assert "SECRET" not in redacted(said)
    assert "SECRET" not in provider_said(ValueError(said))
    assert redacted("key /refused/at") == "key /refused/at"


def test_reading_for_credentials_is_linear() -> None:
    for part in ("a@", "://", "key=", "?", "Bearer ", "sk-", "authorization: ", "-_.", "eyJ."):
        redacted(part * (100_000 // len(part)))
        command_line([part * (100_000 // len(part))])
