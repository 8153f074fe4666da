"""An audit with credentials in its addresses and on its command line: none of it is on record."""

import gzip
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import ScriptedPolicy
from found_audit import RUBRICS
from pooling_server import PoolingServer
from pydantic import ValidationError

from argo_audit.audits.begun import command_of
from argo_audit.audits.compare_settings import CompareOptions
from argo_audit.audits.parts import Parts
from argo_audit.audits.reporting import Origin, report
from argo_audit.audits.request import AuditRequest
from argo_audit.audits.run import audit
from argo_audit.organism.world import build
from argo_audit.pairs.pair_file import write
from argo_audit.reward_models.by_name import open_reward_model
from argo_audit.reward_models.reward_model_settings import RewardModelSettings
from argo_audit.search.search_settings import SearchConfig
from argo_audit.surface.judge import SurfaceJudge

PASSWORD, KEY, TOKEN = "PASSWORD9", "sk-QUERYKEY9", "hf_TOKENTOKEN9"


def contents(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file, unpacked."""
    for path in filter(Path.is_file, folder.rglob("*")):
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
        elif path.suffix == ".eval":
            with zipfile.ZipFile(path) as log:
                data = b"".join(map(log.read, log.namelist()))
        yield path, data


def test_an_audit_and_its_report_hold_no_credential(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    world = build("A", 150, seed=0)
    write(tmp_path / "pairs.jsonl", world.pairs, {})
    with PoolingServer(lambda messages: len(str(messages)) / 100) as server:
        spec = f"served:rm@{server.url.replace('://', f'://u:{PASSWORD}@')}"
        typed = ["argo-audit", "audit", "--labels", spec, "-M", f"api_key={KEY}", "--token", TOKEN]
        monkeypatch.setattr("sys.argv", typed)
        request = AuditRequest(
            pairs=tmp_path / "pairs.jsonl",
            labels=(spec,),
            out=Path("out"),
            search=SearchConfig(steps=1, minibatch=32),
            probed_pairs=4,
            accept_failing_rm=True,
        )
        audit(request, parts=Parts(SurfaceJudge(), lambda *_: ScriptedPolicy([RUBRICS])))
        command = command_of(Path("out"))
        report(Origin((Path("out"),), "T", (command,)), Path("out/audit"))
    sent = f"Basic {b64encode(f'u:{PASSWORD}'.encode()).decode()}"
    assert set(server.keys) == {sent}
    assert "served:rm@http://u:***@127.0.0.1" in command
    found = list(contents(Path("out")))
    assert len(found) > 10
    for secret in (PASSWORD, KEY, TOKEN, sent.split()[1]):
        assert not [path for path, data in found if secret.encode() in data or secret in str(path)]


@pytest.mark.parametrize("field", ["judge_urls", "store", "logs"])
@pytest.mark.parametrize("url", [f"http://u:{PASSWORD}@h/v1", f"https://h/v1?key={KEY}"])
def test_what_others_would_put_on_record_is_refused_with_a_credential(
    tmp_path: Path, field: str, url: str
) -> None:
    value = (url,) if field == "judge_urls" else url
    with pytest.raises(ValidationError, match="give it in the environment"):
        AuditRequest.model_validate(
            {"pairs": "p", "labels": ("human",), "out": tmp_path, field: value}
        )


def test_the_same_model_with_another_key_is_the_same_model(tmp_path: Path) -> None:
    asked = [
        AuditRequest(pairs=f"http://u:{word}@h/p.jsonl", labels=(f"served:m@http://h?key={word}",),
                     out=tmp_path)
        for word in ("one", "two")
    ]  # fmt: skip
    assert asked[0] == asked[1]
    assert CompareOptions(rms=("served:m@http://h?key=1",)) == CompareOptions(
        rms=("served:m@http://h?key=2",)
    )


def test_an_at_in_a_name_or_a_password_is_no_border() -> None:
    with PoolingServer(lambda _: 1.0, model="org/rm@v2") as server:
        url = server.url.replace("://", "://u:p@ss@")
        model = open_reward_model(f"served:org/rm@v2@{url}", RewardModelSettings())
        assert model.name == "org/rm@v2"


def test_addresses_of_pairs_read_back_as_they_were(tmp_path: Path) -> None:
    request = AuditRequest(pairs="https://h/pairs.jsonl", labels=("human",), out=tmp_path)
    again = AuditRequest.model_validate_json(request.model_dump_json())
    assert again.pairs == "https://h/pairs.jsonl"
