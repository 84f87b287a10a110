# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Look at a clip
#
# Everything that was measured of one clip, on one axis of time, with what was found in it. `UNBROKEN_CLIP` names the clip;
# without it a sample is shown from which a second was removed. It is measured once, and then comes from the cache.
#
# 在同一时间轴上显示一段录像的全部测量曲线与检测结果。环境变量 `UNBROKEN_CLIP` 指定录像，未设时使用被剪去一秒的样例。录像只测量一次，之后取自缓存。

# %%
# %matplotlib inline
import os
from pathlib import Path

from _places import CACHE, ROOT
from IPython.display import Markdown, display

from pipeline import tune

CLIP = Path(os.environ.get("UNBROKEN_CLIP", ROOT / "data_samples" / "built" / "removed_second.mp4"))
look = tune.look(CLIP, CACHE)
clip, features = look.examination, look.examination.features

# %% [markdown]
# ## All curves
#
# From above: pictures of the clip, each over the stretch of time in whose middle it was taken; findings, a lane for each
# kind; then the measurements. Violations and suspicions run through all panels as bands. A break in the take shows as a
# spike in one picture only, in several panels at once; a pan or a change of light lasts for several pictures. The clock's dots
# stay on one level as long as nothing is missing.
#
# 自上而下依次为：画面、检测结果（每类一行）、各项测量。违规与可疑处以色带贯穿所有曲线。剪辑点在多条曲线上同时出现单帧尖峰，摇镜头或光线变化则持续多帧；
# 只要没有缺失，叠加时钟的点就保持在同一高度。

# %%
look.curves()

# %% [markdown]
# ## What was found, in pictures
#
# The gravest findings that say where: the last picture before, and the first one after.
#
# 最严重的发现所在处：之前最后一帧与之后第一帧画面。

# %%
look.stills(most=2)

# %% [markdown]
# ## What was found, with its clauses
#
# Every finding, the gravest first, with the clauses of the regulation that rest on it. Notes are context, and some are what a
# clause is fulfilled by.
#
# 全部发现按严重程度排列，并列出所依据的条款。“提示”为背景信息，其中一些正是条款得到满足的依据。

# %%
look

# %% [markdown]
# ## Closing note
#
# What came out, computed from the results above.
#
# 结语：以下内容由上述结果算出，说明得到了什么，以及不能说明什么。

# %%
rows = look.table()
grave = [row for row in rows if row["level"] != "note"]
named = (
    "; ".join(f"{row['kind']} ({row['level']}) at {row['start_s']:.2f} s" for row in grave) or "nothing above a note"
)
failed = [rule for rule in clip.rules if rule.outcome.value == "fail"]
clauses = "; ".join(f"{rule.article}: {rule.reason}" for rule in failed) or "none"
seen = clip.examined
display(
    Markdown(
        f"`{CLIP.name}` lasts {features.duration_s():.2f} s. {seen.packets} packets were read, {seen.frames_decoded} pictures and "
        f"{seen.audio_s:.1f} s of sound decoded, {seen.frames_failed} pictures failed. Found: {named}; and {len(rows) - len(grave)} "
        f"notes. By profile `{clip.profile}` the verdict is **{clip.verdict.value}**. Clauses that fail: {clauses}\n\n"
        f"What this does not show: a curve without a spike is no proof that nothing was removed. Where camera and scene stand "
        f"still, a cut leaves no motion to jump; `docs/accuracy.md` says how often such cuts are found."
    )
)
