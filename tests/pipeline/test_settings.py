import pytest

from pipeline.errors import SettingsError
from pipeline.settings import Settings, described, parameters_of, read_toml, settings_from


def measure_light(picture: object, *, min_light: float = 0.5, names: tuple[str, ...] = ()) -> None:
    """Measure the light.

    Parameters
    ----------
    picture : object
        Anything.
    min_light : float
        Least light, in lux,
        over two lines.
    names : tuple of str
        Names.

    Returns
    -------
    None
    """


KNOWN = {"light": parameters_of(measure_light)}


def test_parameters_are_the_keyword_only_arguments():
    assert KNOWN["light"]().model_dump() == {"min_light": 0.5, "names": ()}


def test_docstring_gives_the_meaning_of_each_parameter():
    assert described(measure_light)["min_light"] == "Least light, in lux, over two lines."
    assert set(described(measure_light)) == {"picture", "min_light", "names"}


def test_only_what_is_set_is_kept():
    settings = settings_from({"light": {"min_light": 2}}, KNOWN, "x.toml")
    assert settings.section("light") == {"min_light": 2.0}
    assert settings.section("dark") == {}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"lihgt": {}}, r"unknown section \[lihgt\]. Known: light"),
        ({"light": {"max_light": 1}}, r"\[light\] max_light: .*not permitted.*Known: min_light, names"),
        ({"light": {"min_light": "much"}}, r"\[light\] min_light: .*number"),
    ],
)
def test_what_does_not_exist_is_an_error_that_names_the_place(document, said):
    with pytest.raises(SettingsError, match=r"x\.toml: " + said):
        settings_from(document, KNOWN, "x.toml")


def test_settings_lie_over_a_base():
    base = Settings({"a": {"x": 1, "y": 2}, "b": {"z": 3}})
    assert Settings({"a": {"y": 9}}).over(base).sections == {"a": {"x": 1, "y": 9}, "b": {"z": 3}}


def test_broken_toml_names_file_and_line(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text("[light]\nmin_light = = 3\n")
    with pytest.raises(SettingsError, match=r"s\.toml: .*line 2"):
        read_toml(path)


def test_missing_file_is_an_error(tmp_path):
    with pytest.raises(SettingsError, match="No such file"):
        read_toml(tmp_path / "none.toml")
