"""Records as a list, as a table, and as a notebook shows them."""

import pandas as pd

from argo_audit.audits.record_list import RecordList, as_table
from argo_audit.findings.alignments import line_up
from argo_audit.records import Interval, Rubric
from argo_audit.report.sheets import Sheet
from argo_audit.stats.estimates import Estimate

NASTY = "<script>alert(1)</script> \u202e& <img src=x onerror=alert(1)>"


def test_a_frame_has_a_column_for_each_field_and_those_within() -> None:
    around = Interval(low=0.1, high=0.3, method="t")
    known = Estimate(mean=0.2, interval=around, n=9, clusters=3)
    unknown = Estimate(mean=None, interval=None, n=0, clusters=0)
    frame = RecordList([known, unknown], [{"of": "a"}, {"of": "b"}]).to_frame()
    assert list(frame.columns[:2]) == ["of", "mean"]
    assert "interval" not in frame.columns
    assert frame["interval.low"][0] == 0.1
    assert pd.isna(frame["interval.low"][1])
    assert RecordList([unknown]).to_frame()["interval"][0] is None


def test_tuples_with_names_and_data_classes_are_records_too() -> None:
    frame = RecordList(line_up("- Be brief.", "- Be brief.\n- Use lists.")).to_frame()
    assert list(frame.standing) == ["shared", "only second"]
    assert frame["second.text"][1] == "Use lists."


def test_nothing_is_a_list_too() -> None:
    none: RecordList[Rubric] = RecordList([])
    assert (len(none), list(none), repr(none)) == (0, [], "<RecordList of 0 records>")
    assert none.to_frame().empty


def test_no_text_acts_in_a_notebook() -> None:
    sheet = Sheet(NASTY, (NASTY,), [(NASTY,)], NASTY)
    shown = [RecordList([Rubric(text=NASTY)])._repr_html_(), sheet._repr_html_()]
    shown += [as_table([{NASTY: NASTY}], NASTY)]
    for text in shown:
        assert "<script" not in text
        assert "<img" not in text
        assert "\u202e" not in text
        assert "&lt;script&gt;" in text
    assert sheet.to_frame().iloc[0, 0] == NASTY
