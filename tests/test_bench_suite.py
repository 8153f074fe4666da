"""What `make bench-suite` says of notes that are given."""

import json
from pathlib import Path

from benchmarks.suite import Cost, page, read


def test_the_costliest_file_comes_first_and_bars_are_counted(tmp_path: Path) -> None:
    one = {"tests/test_a.py::test_x[a::b]": {"setup": 1.0, "call": 2.0, "teardown": 0.5}}
    other = {"tests/test_b.py::test_y": {"call": 4.0}, "tests/test_a.py::test_z": {"setup": 0.25}}
    for name, collection, tests in (("gw0", 3.0, one), ("gw1", 11.0, other)):
        notes = {"collection": collection, "tests": tests}
        (tmp_path / f"{name}.json").write_text(json.dumps(notes))
    found = read(tmp_path)
    assert found.collection == [3.0, 11.0]
    assert found.costs == [Cost("tests/test_b.py", 1, 0, 4), Cost("tests/test_a.py", 2, 1.75, 2)]
    *_, whole, wall, collected, last = page(found, whole=30, wall=20).splitlines()
    assert whole == "whole suite: 30.0 CPU s, 20.0 s wall"
    assert (wall, collected) == ("met: wall under 150 s", "not met: collection under 10 s")
    assert last == "bars met: 1 of 2"
