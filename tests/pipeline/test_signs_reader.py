"""Reading real pictures: made ones with known text, and the photos and clips of the measuring material."""

import socket
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import av
import cv2
import numpy as np
import pyarrow as pa
import pytest
from PIL import Image, ImageDraw, ImageFont

from data_samples import fetch
from pipeline.errors import ModelError
from pipeline.features.schema import arrow_schema, to_table
from pipeline.model import Table
from pipeline.signs import reader
from pipeline.signs.matching import match_score, signs_of, unread_of
from tests.shared import shared

ROOT = Path(__file__).resolve().parents[2]
SIZE = (1280, 720)


@dataclass(frozen=True)
class Picture:
    path: Path
    frame: int
    time_s: float


@dataclass(frozen=True)
class Area:
    left: float
    top: float
    right: float
    bottom: float


def silent(stage: str, share: float) -> None:
    pass


@cache
def chinese_font() -> bytes:
    """Return a font with Chinese characters: the one fetched for the sample clips, else one of the system."""
    if any(path.name.startswith(fetch.FILES["font"][0]) for path in fetch.wheels()):
        return fetch.source("font").getvalue()
    try:
        command = ["fc-list", ":lang=zh-cn", "file"]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    except (FileNotFoundError, subprocess.CalledProcessError):
        listed = []
    paths = sorted(Path(line.partition(":")[0]) for line in listed)
    if not paths:
        pytest.skip("no font with Chinese characters: run `make samples`, or install one")
    return paths[0].read_bytes()


def scene(number: int = 0) -> np.ndarray:
    """Return a soft background without text, another one for each number."""
    random = np.random.default_rng(number)
    coarse = random.integers(40, 160, (9, 16, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC))


def drawn(pixels: np.ndarray, texts: list[tuple[str, int, int, int]]) -> np.ndarray:
    """Draw texts (text, left, top, size in px) in white."""
    image = Image.fromarray(pixels)
    pen = ImageDraw.Draw(image)
    for text, left, top, size in texts:
        pen.text((left, top), text, font=ImageFont.truetype(BytesIO(chinese_font()), size), fill=(255, 255, 255))
    return np.array(image)


def stored(folder: Path, pictures: list[np.ndarray]) -> list[Picture]:
    found = []
    for number, pixels in enumerate(pictures):
        path = folder / f"{number}.jpg"
        cv2.imwrite(str(path), pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])
        found.append(Picture(path, number * 25, float(number)))
    return found


def texts_of(pictures: list[Picture], areas: tuple[Area, ...] = (), **params: float) -> Table:
    return to_table("texts", reader.read_texts(pictures, silent, areas, **params)["texts"])  # type: ignore[arg-type]


def counts(tables: dict[str, pa.Table]) -> dict[str, float]:
    rows = tables["examined"].to_pylist()
    assert {row["stage"] for row in rows} == {"texts"}
    return {row["measure"]: row["value"] for row in rows}


def read_in(texts: Table) -> set[str]:
    return {str(text) for text in texts["text"] if text is not None}


def test_latin_text_is_read_with_its_place_and_height(tmp_path: Path) -> None:
    pixels = scene()
    cv2.putText(pixels, "GATE 42", (400, 400), cv2.FONT_HERSHEY_SIMPLEX, 2.0, (255, 255, 255), 4)
    tables = reader.read_texts(stored(tmp_path, [pixels]), silent)
    assert {name: tables[name].schema for name in tables} == {name: arrow_schema(name) for name in tables}
    texts = to_table("texts", tables["texts"])
    (row,) = np.flatnonzero([str(text).replace(" ", "") == "GATE42" for text in texts["text"]])
    assert texts["left"][row] == pytest.approx(400 / 1280, abs=0.02)
    assert texts["bottom"][row] == pytest.approx(400 / 720, abs=0.03)
    assert 30 < texts["height_px"][row] < 60
    assert texts["sharpness"][row] > 100
    assert not texts["overlay"][row]
    assert counts(tables) == {"pictures_read": 1, "pictures_read_closely": 1}
    assert tables["gaps"].num_rows == 0


def test_chinese_signs_are_read_and_the_recorders_texts_told_apart(tmp_path: Path) -> None:
    overlay = [("石家庄市安全生产监督管理局", 24, 56, 24)]
    pictures = [
        drawn(
            scene(number),
            [
                (f"2019-07-25 14:03:{27 + number}", 24, 20, 24),
                *overlay,
                ("金星化工有限公司", 300 + 20 * number, 320, 40),
            ],
        )
        for number in range(3)
    ]
    texts = texts_of(stored(tmp_path, pictures))
    names = ["石家庄市金星化工有限公司"]
    signs = signs_of(texts)
    assert {sign.frame for sign in signs if match_score(sign.text, names)[0] == 100} == {0, 25, 50}
    assert not any("14" in sign.text or "监督" in sign.text for sign in signs)
    assert texts["overlay"].sum() == 6
    sizes = texts["height_px"][~texts["overlay"]]
    assert sizes == pytest.approx(np.full(len(sizes), 40), rel=0.2)


def test_what_stands_where_the_recorder_writes_is_left_out(tmp_path: Path) -> None:
    pixels = drawn(scene(), [("2019-07-25 14:03:27", 24, 20, 24), ("金星化工有限公司", 300, 320, 40)])
    (area,) = (Area(0.0, 0.0, 0.4, 0.1),)
    texts = texts_of(stored(tmp_path, [pixels]), (area,))
    assert read_in(texts) == {"金星化工有限公司"}
    assert not texts["overlay"].any()


def test_pictures_beyond_the_bound_are_not_read_but_their_texts_are_known(tmp_path: Path) -> None:
    sizes = (24, 60, 30, 26)
    pictures = [drawn(scene(n), [("金星化工有限公司", 200 + 60 * n, 300, size)]) for n, size in enumerate(sizes)]
    tables = reader.read_texts(stored(tmp_path, pictures), silent, most_pictures=1, close_pictures=0)
    texts = to_table("texts", tables["texts"])
    assert counts(tables) == {"pictures_read": 4, "pictures_read_closely": 1}
    assert {int(frame) for frame in texts["frame"]} == {0, 25, 50, 75}
    assert [text for text in texts["text"] if text] == ["金星化工有限公司"]
    assert texts["frame"][np.flatnonzero(texts["text"] != None)].tolist() == [25]  # noqa: E711
    assert {sign.frame for sign in signs_of(texts)} == {25}
    assert {sign.frame for sign in unread_of(texts)} == {0, 50, 75}
    assert sorted(sign.height_px for sign in unread_of(texts)) == pytest.approx([24, 26, 30], rel=0.3)


def test_letters_too_small_to_count_are_known_and_not_read(tmp_path: Path) -> None:
    pixels = drawn(scene(), [("金星化工有限公司", 300, 320, 40), ("欢迎光临", 300, 500, 24)])
    texts = texts_of(stored(tmp_path, [pixels]), min_letters_px=30.0)
    assert read_in(texts) == {"金星化工有限公司"}
    (small,) = unread_of(texts)
    assert np.isnan(small.confidence)
    assert 15 < small.height_px < 30


def test_a_view_that_stays_is_read_twice(tmp_path: Path) -> None:
    pixels = drawn(scene(), [("金星化工有限公司", 300, 320, 40)])
    tables = reader.read_texts(stored(tmp_path, [pixels] * 5), silent, close_pictures=0)
    assert counts(tables) == {"pictures_read": 5, "pictures_read_closely": 2}
    assert tables["texts"]["text"].to_pylist() == ["金星化工有限公司"] * 2


def test_the_same_pictures_give_the_same_texts(tmp_path: Path) -> None:
    pictures = stored(tmp_path, [drawn(scene(n), [("金星化工", 200 + 90 * n, 300, 40)]) for n in range(3)])
    assert reader.read_texts(pictures, silent)["texts"].equals(reader.read_texts(pictures, silent)["texts"])


@pytest.mark.parametrize(
    "signs",
    [
        [(character, 600, 60 + 46 * place, 40) for place, character in enumerate("金星化工有限公司")],
        [(character, 600, 40 + 90 * place, 44) for place, character in enumerate("金星化工")],
        [("司公限有工化星金", 300, 320, 40)],
        [("金星化工有限公司", 300, 320, 40)],
        [("金星化學工業有限公司", 300, 320, 40)],
        [("石家庄市", 400, 300, 40), ("金星化工", 400, 352, 40)],
    ],
    ids=["downwards", "downwards, far apart", "from the right", "from the left", "traditional", "two lines"],
)
def test_signs_are_read_however_they_are_written(signs: list[tuple[str, int, int, int]], tmp_path: Path) -> None:
    texts = texts_of(stored(tmp_path, [drawn(scene(), signs)]))
    names = ["石家庄市金星化工有限公司", "金星化学工业有限公司"]
    assert max(match_score(sign.text, names)[0] for sign in signs_of(texts)) == 100


LICENCE = (
    "统一社会信用代码 91130100MA0C1234",
    "名称 石家庄市金星化工有限公司",
    "类型 有限责任公司(自然人投资)",
    "住所 河北省石家庄市长安区和平路",
    "法定代表人 王某某",
    "注册资本 伍佰万元整",
    "成立日期 2009年03月12日",
)
PHONE = (
    "金星化工有限公司",
    "法定代表人 王某某",
    "登记机关 长安区市场监督管理局",
    "成立日期 2009年03月12日",
    "经营状态 存续",
    "所属行业 化学制品制造",
)


@pytest.mark.parametrize(("page", "step"), [(LICENCE, 40), (PHONE, 54)], ids=["licence", "phone"])
def test_a_page_that_is_held_up_is_no_sign_and_the_sign_beside_it_is(
    page: tuple[str, ...], step: int, tmp_path: Path
) -> None:
    pixels = cv2.rectangle(scene(), (620, 100), (1180, 120 + step * 8), (70, 70, 70), -1)
    rows = [(text, 650, 130 + step * row, 24) for row, text in enumerate(page)]
    texts = texts_of(stored(tmp_path, [drawn(pixels, [*rows, ("宏达木业", 120, 300, 60)])]))
    assert texts["document"].sum() >= len(page)
    assert [sign.text for sign in signs_of(texts)] == ["宏达木业"]
    assert unread_of(texts) == []


def test_a_picture_without_text_is_read_and_a_broken_one_is_a_gap(tmp_path: Path) -> None:
    pictures = stored(tmp_path, [scene()])
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    said: list[float] = []
    tables = reader.read_texts([*pictures, Picture(broken, 50, 2.0)], lambda stage, share: said.append(share))
    assert tables["texts"].num_rows == 0
    assert counts(tables) == {"pictures_read": 1, "pictures_read_closely": 1}
    (gap,) = tables["gaps"].to_pylist()
    assert gap == {"stage": "texts", "message": reader.UNREADABLE_PICTURE, "values": '{"time_s": 2.0}'}
    assert said == sorted(said)
    assert said[-1] == 1.0


def test_no_pictures_give_empty_tables() -> None:
    tables = reader.read_texts([], silent)
    assert tables["texts"].num_rows == 0
    assert counts(tables) == {"pictures_read": 0, "pictures_read_closely": 0}


def test_the_models_are_named_by_their_hash_without_loading_anything() -> None:
    code = (
        "import sys; from pipeline.signs import reader; print(sorted(reader.libraries()));"
        "assert not {'rapidocr', 'onnxruntime'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)
    hashes = [value for name, value in reader.libraries().items() if name.endswith(".onnx")]
    assert len(hashes) == 3
    assert all(len(value) == 64 for value in hashes)


def test_reading_needs_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the reader asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    reader._engine.cache_clear()
    assert texts_of(stored(tmp_path, [scene()])).rows == 0


def test_a_missing_model_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(reader.MODELS, "Rec", "gone.onnx")
    with pytest.raises(ModelError, match=r"gone\.onnx"):
        reader._engine.__wrapped__(1280, 1)


@pytest.mark.parametrize(
    ("photo", "name"),
    [
        ("g_doc_imgs_13.png", "宇啸门窗"),
        ("g_doc_imgs_12.jpg", "上海斯格威铂尔大酒店"),
        ("frotms_PaddleOCR2Pytorch__doc_imgs_00207393.jpg", "中国农业银行"),
    ],
)
def test_real_signs_are_read_and_are_no_overlay(photo: str, name: str) -> None:
    texts = texts_of([Picture(shared("signs", "photos", photo), 0, 0.0)])
    best = max(signs_of(texts), key=lambda sign: match_score(sign.text, [name])[0])
    assert match_score(best.text, [name])[0] == 100
    assert not texts["overlay"].any()


def test_the_overlay_of_a_real_dashcam_is_told(tmp_path: Path) -> None:
    pixels = []
    with av.open(str(shared("footage", "dashcam", "dashcam1.mp4"))) as clip:
        for number, frame in enumerate(clip.decode(video=0)):
            if number % 60 == 0:
                pixels.append(frame.to_ndarray(format="bgr24"))
            if len(pixels) == 4:
                break
    texts = texts_of(stored(tmp_path, pixels))
    clocks = ["2018" in str(text) for text in texts["text"]]
    assert sum(clocks) == 4
    assert texts["overlay"][clocks].all()
