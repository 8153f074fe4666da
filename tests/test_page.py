"""The page in a browser: hostile text is shown and does nothing, and its tables sort."""

import base64
import re
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from audit_world import START, agreement, build_world
from browser import Seen, needs_chromium, open_page
from fakes import PlantedRewardModel

from argo_audit.findings.inputs import AuditInputs
from argo_audit.organism.world import build
from argo_audit.pairs.pair_file import write
from argo_audit.probes.edits.counterfactuals import chosen
from argo_audit.probes.probe import probe, responses_of
from argo_audit.records import Message, Rubric
from argo_audit.report.markdown import EDITED, fence, quoted_block, table, with_front_matter
from argo_audit.report.page import page
from argo_audit.report.spec import write_audit
from argo_audit.reward_models.soft_labels import label_pairs
from argo_audit.store import NewRubric, RubricStore

MARK = "document.documentElement.setAttribute('data-ran', '1')"
HOSTILE = (
    f"<script>{MARK}</script>",
    f'<img src="http://evil.test/a.png" onerror="{MARK}">',
    f'"><svg onload="{MARK}">',
    f"[click](javascript:{MARK.replace(' ', '')})",
    "![picture](http://evil.test/b.png)",
    "<http://evil.test/c> http://evil.test/d www.evil.test",
    f"<!-- --><style>@import url(http://evil.test/e.css)</style></title></script><script>{MARK}",
    f"~~~\n```\n</code></pre><script>{MARK}</script>\n````\n| a | b |\n|---|---|",
    "[x]: http://evil.test/f\n\n<iframe srcdoc='<script>1</script>'></iframe>",
)
SHOWN = ("<script>document", 'onerror="document', "[click](javascript:", "<!-- --><style>")
ADDRESSES = ("href", "src", "srcset", "xlink:href", "action", "formaction", "data", "poster")


def likes(response: str) -> float:
    """Bullets, and what makes a text its own."""
    return 0.8 * response.count("\n- ") + len(response) % 7 / 10


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of an audit in which every text that somebody else wrote is hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    every = "\n".join(HOSTILE)
    pairs = [
        pair.model_copy(
            update={
                "prompt": (Message(role="user", content=f"{pair.prompt[-1].content} {every}"),),
                "response_a": f"{HOSTILE[i % len(HOSTILE)]}\n{pair.response_a}",
                "response_b": f"{HOSTILE[-i % len(HOSTILE)]}\n{pair.response_b}",
            }
        )
        for i, pair in enumerate(build("A", 60, 5).pairs)
    ]
    name = f"rm-{HOSTILE[0]}"
    model = PlantedRewardModel(likes, name=name)
    held_out = folder / "held-out.jsonl.gz"
    write(held_out, pairs, {name: label_pairs(model, pairs)})
    record = build_world(folder, steps=2, group=1).inputs.runs[2]
    run = record.run.model_copy(
        update={"id": HOSTILE[1], "population": HOSTILE[0], "label_source": name}
    )
    store = RubricStore(folder / "own")
    stored = store.append(
        NewRubric(
            rubric=Rubric(text="\n".join(f"- Rewards bullet lists {line}" for line in HOSTILE)),
            reward_model="org/rm",
            label_source=name,
            parent=None,
            run=run.id,
            judge=run.judge,
            created=START,
            dev=agreement(0.8),
            held_out=agreement(0.8, interval=True),
        )
    )
    inputs = AuditInputs(
        title=HOSTILE[0],
        runs=(replace(record, run=run, held_out=held_out),),
        stored=(stored,),
        probed={name: probe(model, responses_of(pairs[:12]), chosen(["bullets", "flattery"]))},
        intent=f"- Avoid bullet lists.\n- {HOSTILE[1]}\n",
        notes=HOSTILE,
        commands=HOSTILE,
    )
    return write_audit(inputs, folder / "audit", folder / "own").html


@needs_chromium
def test_hostile_text_is_shown_and_never_run(hostile: Path) -> None:
    seen = open_page(hostile)
    assert "data-ran" not in dict(seen.attributes)
    assert seen.tags.count("script") == 1
    assert set(seen.tags).isdisjoint({"img", "iframe", "object", "embed", "form", "base"})
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    addresses = [value for name, value in seen.attributes if name in ADDRESSES]
    assert addresses
    assert not [a for a in addresses if re.match(r"\s*[a-z][a-z0-9+.-]*:|//", a, re.I)]
    assert "evil.test" not in seen.log
    for said in SHOWN:
        assert said in seen.text
    assert "Pairs on bullets" in seen.text


@needs_chromium
def test_the_same_text_unescaped_and_unguarded_would_run(hostile: Path) -> None:
    html = hostile.read_text(encoding="utf-8")
    bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
    copy = hostile.with_name("bare.html")
    copy.write_text(bare.replace("</main>", f"{HOSTILE[0]}{HOSTILE[1]}</main>"), encoding="utf-8")
    seen = open_page(copy)
    assert ("data-ran", "1") in seen.attributes
    assert "evil.test" in seen.log


CELLS = (
    ("+0.42 [0.31, 0.53]", "low", "b"),
    ("not measured", "high", "a10"),
    ("-1.50 [-2, -1]", "medium", "a9"),
    ("78.5% [74.3, 82.4]", "high", "C"),
    ("-", "low", "d"),
)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page with a table for each of its columns."""
    own = table(("Effect", "Severity", "Name"), CELLS)
    return page(
        with_front_matter({"title": "T"}, "\n\n".join(["# T", "- [x](#t)", *[own] * 4])), {}
    )


def clicked(html: str, folder: Path) -> Seen:
    """The page after clicks on its headings, by a script that its policy is told of.

    Table 1 is sorted by column 1, table 2 downwards by column 1, table 3 by 2, table 4 by 3; after
    that, a script that the policy does not know of tries to run.
    """
    clicks = "".join(
        f"document.querySelectorAll('table')[{number}].querySelectorAll('th button')[{column}]"
        ".click();"
        for number, column in ((0, 0), (1, 0), (1, 0), (2, 1), (3, 2))
    )
    digest = base64.b64encode(sha256(clicks.encode()).digest()).decode()
    known = html.replace("script-src '", f"script-src 'sha256-{digest}' '", 1)
    more = f"<script>{clicks}</script><script>{MARK}</script></body>"
    copy = folder / "clicked.html"
    copy.write_text(known.replace("</body>", more), encoding="utf-8")
    return open_page(copy)


@needs_chromium
def test_tables_sort_and_no_other_script_runs(tables: str, tmp_path: Path) -> None:
    seen = clicked(tables, tmp_path)
    assert "data-ran" not in dict(seen.attributes)
    columns = [
        [row[column] for row in re.findall(r"<td>(.*?)</td>\s*" * 3, body, re.S)]
        for body, column in zip(re.split("<tbody>", seen.dom)[1:], (0, 0, 1, 2), strict=True)
    ]
    up = ["-1.50 [-2, -1]", "+0.42 [0.31, 0.53]", "78.5% [74.3, 82.4]", "not measured", "-"]
    assert columns[0] == up
    assert columns[1] == [*up[2::-1], *up[3:]]
    assert columns[2] == ["high", "high", "medium", "low", "low"]
    assert columns[3] == ["a9", "a10", "b", "C", "d"]
    pressed = [value for name, value in seen.attributes if name == "aria-sort"]
    assert [value for value in pressed if value != "none"] == [
        "ascending",
        "descending",
        "ascending",
        "ascending",
    ]


def test_the_policy_names_the_script_by_its_hash_and_nothing_else(tables: str) -> None:
    script = re.findall(r"<script>(.*?)</script>", tables, re.S)
    assert len(script) == 1
    digest = base64.b64encode(sha256(script[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'; " in tables
    assert "unsafe-eval" not in tables
    assert "default-src 'none'" in tables


def test_what_an_edit_changed_and_what_is_bold_in_a_quote_is_marked() -> None:
    quote = table(("First", "Grade"), [("“Short **&lt;b&gt;** words”", "**high**")])
    texts = ("Tea & cake.", "Tea & <i>warm</i> cake.")
    edit = "\n".join(
        quoted_block(f"{name}:", t, EDITED) for name, t in zip("AB", texts, strict=True)
    )
    other = fence("Tea.", "response")
    html = page(
        with_front_matter({"title": "T"}, f"# T\n\n- c\n\n{quote}\n\n{edit}\n\n{other}"), {}
    )
    assert "“Short <mark>&lt;b&gt;</mark> words”" in html
    assert "<strong>high</strong>" in html
    assert "<pre><code>Tea &amp; <mark>&lt;i&gt;warm&lt;/i&gt; </mark>cake.\n</code></pre>" in html
    assert '<code class="language-response">Tea.' in html
