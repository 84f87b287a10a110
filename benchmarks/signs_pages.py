"""Pages and screens that are held up to the camera, drawn into real pictures: none of them may show the place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.signs_material import HEIGHT, WIDTH, Pixels, resized
from pipeline.forge.drawing import FAMILIES, font_file

FONT = "noto-sans"
NAME = "石家庄市金星化工有限公司"
"""What both name."""
LICENCE = (
    "统一社会信用代码 91130100MA0C12341X",
    f"名    称  {NAME}",
    "类    型  有限责任公司(自然人投资或控股)",
    "住    所  河北省石家庄市长安区和平路25号",
    "法定代表人  王某某",
    "注册资本  伍佰万元整",
    "成立日期  2009年03月12日",
    "营业期限  2009年03月12日至2039年03月11日",
    "经营范围  化工产品(不含危险化学品)的生产、销售；",
    "货物进出口；普通货运。",
)
PHONE = (
    "企业信用信息公示系统",
    NAME,
    "存续",
    "统一社会信用代码：91130100MA0C1234",
    "法定代表人：王某某",
    "登记机关：石家庄市长安区市场监督管理局",
    "成立日期：2009年03月12日",
    "基本信息 股东信息 变更信息",
)
HEIGHTS_PX = (1000, 800, 600, 400)
"""How much of the picture's 1080 rows the page fills."""
TILTS_DEG = (0.0, 8.0, -15.0)


def held(backgrounds: Sequence[Pixels]) -> Iterator[tuple[str, int, Pixels]]:
    """Yield kind, height in px and picture of every page in every size and tilt; none without the font."""
    if font_file(FONT) is None:
        return
    number = 0
    for kind, page in (("licence", _licence()), ("phone", _phone())):
        for height in HEIGHTS_PX:
            for tilt in TILTS_DEG:
                yield kind, height, _before(backgrounds[number * 11 % len(backgrounds)], page, height, tilt)
                number += 1


def _letters(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(font_file(FONT)), size, index=FAMILIES[FONT][2])


def _licence() -> Pixels:
    image = Image.new("RGB", (900, 1200), (235, 238, 240))
    pen = ImageDraw.Draw(image)
    pen.text((310, 60), "营业执照", font=_letters(68), fill=(40, 40, 40))
    for row, text in enumerate(LICENCE):
        pen.text((70, 180 + 58 * row), text, font=_letters(34), fill=(40, 40, 40))
    return np.array(image)


def _phone() -> Pixels:
    image = Image.new("RGB", (760, 1300), (250, 250, 250))
    pen = ImageDraw.Draw(image)
    for row, text in enumerate(PHONE):
        pen.text((60, 80 + 83 * row), text, font=_letters(36), fill=(30, 30, 30))
    return np.array(image)


def _before(background: Pixels, page: Pixels, height_px: int, tilt_deg: float) -> Pixels:
    small = resized(page, height_px / page.shape[0])
    height, width = small.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), tilt_deg, 1.0)
    turn[:, 2] += (WIDTH - width) / 2, (HEIGHT - height) / 2
    over = cv2.warpAffine(small, turn, (WIDTH, HEIGHT))
    inside = cv2.warpAffine(np.full((height, width), 255, np.uint8), turn, (WIDTH, HEIGHT)) > 128
    made = background.copy()
    made[inside] = over[inside]
    return made
