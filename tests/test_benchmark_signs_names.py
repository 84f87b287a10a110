"""Names that the benchmark of signs makes up: plausible, different, and never the name that they are made from."""

import pytest

from benchmarks.signs_names import invented, siblings
from pipeline.signs.naming import core, plain


def test_invented_names_are_different_and_always_the_same() -> None:
    names = invented(200, "a")
    assert names == invented(200, "a") != invented(200, "b")
    assert len(set(names)) == 200
    assert all(core(name) for name in names)


@pytest.mark.parametrize("name", ["石家庄市金星化工有限公司", "依佳人网咖", "打浦路15号", "上海斯格威铂尔大酒店"])
def test_siblings_differ_in_what_tells_the_name_and_keep_the_rest(name: str) -> None:
    others = siblings(name, 18, "a")
    assert len(set(others)) == 18
    for other in others:
        assert core(other) != core(name)
        assert len(other) == len(plain(name))
    kept = [sum(a == b for a, b in zip(other, plain(name), strict=True)) for other in others]
    assert max(kept) >= len(name) - 2
