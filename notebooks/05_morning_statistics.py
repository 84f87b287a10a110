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
# # Morning statistics
#
# What did the night come to, for which units and recorders, and is it still what it used to be? The batch wrote a ledger;
# `unbroken results --out` makes Parquet tables of it, DuckDB counts them, and a control chart tells a change from
# chance.
#
# 夜间批处理的结果如何，涉及哪些单位和执法记录仪，与以往相比有无变化？批处理写入台账，`unbroken results --out` 将其导出为 Parquet 表，
# 用 DuckDB 统计，再用控制图区分变化与偶然。

# %%
import csv
import json
import os
import shutil
import subprocess
import sys

import duckdb
import matplotlib.pyplot as plt
import numpy as np
from _places import CACHE, takes, work
from IPython.display import Markdown, display
from matplotlib.font_manager import get_font_names

from pipeline import tune

WORK = work("05_morning_statistics")
LEDGER = os.environ.get("UNBROKEN_LEDGER")
BLACK, ORANGE, SKY, GREEN, BLUE, RED, GREY = "#000000 #E69F00 #56B4E9 #009E73 #0072B2 #D55E00 #9AA5AF".split()
FONTS = ("DejaVu Sans", "Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", "SimHei", "WenQuanYi Zen Hei")
plt.rcParams |= {"figure.dpi": 110, "axes.spines.top": False, "axes.spines.right": False, "font.size": 9}
plt.rcParams["font.family"] = [name for name in FONTS if name in get_font_names()]  # units have Chinese names


def unbroken(*words):
    """Run the command; return the last lines of what it says."""
    code = "from pipeline.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode not in (1, 2), done.stderr
    return done.stdout


# %% [markdown]
# ## A night
#
# `UNBROKEN_LEDGER` names the ledger of your own batch; it is only read. Without it a small store is made here and a real
# batch run over it: two recorders of two units over six months, honest takes at first; from May on every clip of the
# second one has lost ten pictures somewhere. What the recorders and units are called stands in the names and in a table of
# case records, as in a real store.
#
# 环境变量 `UNBROKEN_LEDGER` 指定自己的台账（只读）。未设时在此建立一个小的证据库并实际运行批处理：两个单位各一台记录仪，共六个月；
# 第二台自五月起每段录像都丢失十幅画面。


# %%
def store():
    """Fill a folder as two units would, once; return it."""
    folder = WORK / "store"
    if (folder / "cases.csv").is_file():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    how = {"seconds": 4.0, "height": 180, "codec": ("libx264",), "container": ("mp4",), "edits": 1, "bar": False}
    used = takes(8)
    honest = [tune.forge(used, WORK / f"honest-{crf}", ["re-encoded"], crf=(crf,), **how) for crf in (22, 26)]
    lossy = tune.forge(used, WORK / "lossy", ["removed-10"], crf=(26,), **how)
    parts = [("K7A0123", "执法一队", honest[0], range(1, 7)), ("M9B4455", "执法二队", honest[1], range(1, 5))]
    rows = []
    for device, unit, labels, months in [*parts, ("M9B4455", "执法二队", lossy, range(5, 7))]:
        paths = dict.fromkeys(label.path for label in labels)
        for n, path in enumerate(paths):
            month, day = months[n % len(months)], 1 + 3 * (n // len(months))
            name = f"{device}_2026{month:02d}{day:02d}{9 + n:02d}1500_{10 * month + n:04d}.mp4"
            shutil.copyfile(path, folder / name)
            rows.append({"clip": name, "执法单位": unit})
    with (folder / "cases.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ["clip", "执法单位"])
        writer.writeheader()
        writer.writerows(rows)
    return folder


if LEDGER is None:
    night = store()
    LEDGER = str(WORK / "night.ledger")
    print(
        unbroken("batch", night, "--cases", night / "cases.csv", "--cache", CACHE, "--ledger", LEDGER, "--lang", "en")
    )

# %% [markdown]
# ## Tables
#
# A row for each clip, each rule of a clip, and each finding. They are ordinary Parquet: any program can count them.
#
# 每段录像、每条规则、每个发现各占一行，均为普通 Parquet 文件。

# %%
print(unbroken("results", "--cache", CACHE, "--ledger", LEDGER, "--out", WORK / "tables", "--lang", "en"))
database = duckdb.connect()
for name in ("clips", "rules", "findings", "without"):
    database.sql(f"CREATE VIEW {name}_of_all AS FROM '{WORK / 'tables' / name}.parquet'")
database.sql("CREATE VIEW clips AS FROM clips_of_all WHERE NOT repeated")  # a copy of a clip is not counted twice
broken = ", ".join(f"'{kind}'" for kind in sorted(tune.BREAKS))
database.sql(f"""
    CREATE VIEW told AS
    SELECT *, path IN (
        SELECT path FROM findings_of_all WHERE level <> 'note' AND kind IN ({broken})
    ) AS has_break
    FROM clips
    WHERE counted <> 'unreadable'
""")
database.sql("SELECT counted, count(*) AS clips, round(sum(duration_s) / 3600, 3) AS hours FROM clips GROUP BY ALL")

# %%
database.sql("SELECT state, reason, count(*) AS files FROM without_of_all GROUP BY ALL ORDER BY files DESC LIMIT 10")

# %% [markdown]
# ## What was found, and where
#
# The share of clips in which each kind of finding is a violation or suspect, by unit. A bright row is a
# matter of a rule or of a detector, a bright field in it one of the unit.
#
# 各单位录像中每类发现（违规或可疑）所占比例。整行偏亮多与规则或检测器有关，单格偏亮则与该单位有关。

# %%
MOST = 12
cells = database.sql(f"""
    WITH units AS (SELECT unit, count(*) AS clips FROM told GROUP BY unit ORDER BY clips DESC LIMIT {MOST}),
    found AS (
        SELECT DISTINCT told.unit, kind, told.path FROM findings_of_all JOIN told USING (path) WHERE level <> 'note'
    ),
    kinds AS (SELECT kind FROM found GROUP BY kind ORDER BY count(*) DESC, kind LIMIT {MOST})
    SELECT units.unit, kinds.kind, count(found.path) AS hits, any_value(units.clips) AS clips
    FROM units CROSS JOIN kinds LEFT JOIN found ON found.unit IS NOT DISTINCT FROM units.unit AND found.kind = kinds.kind
    GROUP BY ALL ORDER BY ALL
""").fetchall()
units, kinds = (list(dict.fromkeys(row[n] for row in cells)) for n in (0, 1))
shares = np.zeros((len(kinds), len(units)))
for unit, kind, hits, count in cells:
    shares[kinds.index(kind), units.index(unit)] = hits / count
figure, axes = plt.subplots(figsize=(2.6 + 0.75 * len(units), 1.4 + 0.34 * len(kinds)), layout="constrained")
drawn = axes.imshow(shares, cmap="cividis", vmin=0, vmax=1, aspect="auto")
for (row, column), value in np.ndenumerate(shares):
    axes.text(
        column, row, f"{100 * value:.0f}", ha="center", va="center", color="w" if value < 0.6 else "k", fontsize=8
    )
axes.set(xticks=range(len(units)), xticklabels=[unit or "not stated" for unit in units], yticks=range(len(kinds)))
axes.set_yticklabels(kinds)
axes.set_title("Clips with a finding, % of the unit's clips", loc="left")
figure.colorbar(drawn, ax=axes, label="share (0 to 1)")
plt.show()

# %% [markdown]
# ## Rates, with how sure they are
#
# The share of clips with a suspected break, by unit, by recorder and by month, with Wilson's 95 % intervals. Where few clips were
# recorded, the interval says how little is known. Of many groups those with the highest lower end are shown.
#
# 按单位、记录仪、月份统计的疑似间断录像比例及其 95 % 置信区间（Wilson）。录像少时区间很宽。


# %%
def rates(key, most=15):
    """Return the groups of a column, by name: name, hits, clips. Of many those that surely have most."""
    rows = database.sql(f"""
        SELECT coalesce({key}, 'not stated') AS name, count_if(has_break) AS hits, count(*) AS clips
        FROM told GROUP BY ALL ORDER BY ALL
    """).fetchall()
    return sorted(sorted(rows, key=lambda row: (-tune.wilson(*row[1:])[0], row[0]))[:most])


groups = {"unit": rates("unit"), "recorder": rates("device"), "month": rates("month")}
figure, panels = plt.subplots(
    1, 3, figsize=(11, 1.2 + 0.26 * max(map(len, groups.values()))), layout="constrained", sharex=True
)
for axes, (title, rows) in zip(panels, groups.items(), strict=True):
    share = np.array([hits / count for _, hits, count in rows])
    ends = np.array([tune.wilson(hits, count) for _, hits, count in rows])
    reach = np.clip([share - ends[:, 0], ends[:, 1] - share], 0, None)
    axes.errorbar(100 * share, range(len(rows)), xerr=100 * reach, fmt="o", color=BLUE, ecolor=GREY, capsize=2)
    axes.set_yticks(range(len(rows)), [f"{name} ({count})" for name, _, count in rows])
    axes.set(
        ylim=(max(map(len, groups.values())) - 0.5, -0.5), xlim=(-2, 102), xlabel="clips with a suspected break (%)"
    )
    axes.set_title(f"By {title} (number of clips)", loc="left")
    axes.grid(axis="x", color="#e3e8ed")
plt.show()

# %% [markdown]
# ## Has anything moved?
#
# A control chart for each recorder: the first two thirds of its periods say what is usual, and a period beyond the limits, or
# eight in a row on one side, is no chance. Limits are exact for few clips and wider where a recorder's periods scatter wider
# than by chance. It says *that* something changed: the recorder, the unit's ways, or the detector after an update.
#
# 每台记录仪一张控制图：前三分之二的时段确定“通常”范围，超出界限或连续八个时段偏向一侧即非偶然。它只说明有变化，不说明原因：可能是设备、
# 单位的做法，或更新后的检测器。

# %%
PERIODS = {"month": "%Y-%m", "week": "%G-W%V", "day": "%Y-%m-%d"}
many = {
    name: database.sql(
        f"SELECT count(DISTINCT strftime(recorded_at, '{form}')) FROM told WHERE recorded_at IS NOT NULL"
    ).fetchall()[0][0]
    for name, form in PERIODS.items()
}
period = next((name for name in PERIODS if many[name] >= 5), "day")
series = {}
for device, moment, hits, count in database.sql(f"""
    SELECT coalesce(device, 'not stated'), strftime(recorded_at, '{PERIODS[period]}') AS period,
           count_if(has_break), count(*)
    FROM told WHERE recorded_at IS NOT NULL GROUP BY ALL ORDER BY ALL
""").fetchall():
    series.setdefault(device, []).append((moment, hits, count))
charts = {
    device: tune.control_chart(counts, max(2, 2 * len(counts) // 3))
    for device, counts in series.items()
    if len(counts) >= 3
}
moved = {device: chart for device, chart in charts.items() if chart.signals}
print(f"{len(charts)} recorders with at least three periods; of {len(moved)} a period speaks against chance")

# %%
SHOWN = 6
loudest = sorted(charts, key=lambda device: (-len(charts[device].signals), device))[:SHOWN]
figure, panels = plt.subplots(
    max(1, -(-len(loudest) // 2)), 2, figsize=(11, 0.6 + 2.3 * max(1, -(-len(loudest) // 2))),
    layout="constrained", squeeze=False,
)  # fmt: skip
for axes, device in zip(panels.flat, loudest, strict=False):
    chart, places = charts[device], np.arange(len(charts[device].points))
    low, high = (np.array([getattr(point, name) for point in chart.points], float) for name in ("low", "high"))
    axes.fill_between(places, 100 * low, 100 * high, step="mid", color=SKY, alpha=0.25, label="by chance (99.7 %)")
    axes.axhline(100 * chart.usual, color=GREY, linewidth=1, label="usual")
    axes.plot(places, [100 * point.share for point in chart.points], "o-", color=BLUE, markersize=4, linewidth=1)
    loud = [n for n, point in enumerate(chart.points) if point.signal]
    axes.plot(loud, [100 * chart.points[n].share for n in loud], "D", color=RED, markersize=8, label="no chance")
    axes.axvline(sum(point.baseline for point in chart.points) - 0.5, color=BLACK, linewidth=0.8, linestyle=":")
    some = places[:: max(1, len(places) // 8)]
    axes.set_xticks(some, [chart.points[n].period for n in some])
    axes.set(ylim=(-4, 104), xlabel=period, ylabel="clips with a break (%)")
    axes.set_title(f"{device}: {sum(point.of for point in chart.points)} clips", loc="left")
for axes in panels.flat[len(loudest) :]:
    axes.set_visible(False)
if loudest:
    panels.flat[0].legend(frameon=False, ncols=3, loc="upper left", fontsize=8)
plt.show()

# %%
display(*(moved[device] for device in loudest if device in moved))

# %% [markdown]
# ## Closing note
#
# 结语：以下数字由本次运行算出。

# %%
count, hits = database.sql("SELECT count(*), count_if(has_break) FROM told").fetchall()[0]
missing = database.sql("SELECT count(*) FROM without_of_all").fetchall()[0][0]
low, high = tune.wilson(hits, count)
signals = [(device, point) for device, chart in moved.items() for point in chart.signals]
result = {"clips": count, "with_break": hits, "without_result": missing, "recorders": len(charts)}
result["signals"] = [{"device": device, "period": point.period, "signal": point.signal} for device, point in signals]
(WORK / "result.json").write_text(json.dumps(result, indent=1, ensure_ascii=False), encoding="utf-8")
named = "; ".join(
    f"{device} in {point.period} ({point.hits} of {point.of} clips, usual are {100 * charts[device].usual:.0f} %)"
    for device, point in signals[:8]
)
made = (
    ""
    if os.environ.get("UNBROKEN_LEDGER")
    else " In the store that was made here only M9B4455 was changed, from May on: the charts are right if they name it in "
    "2026-05 and 2026-06, and nothing else."
)
thin = max((point.of for chart in charts.values() for point in chart.points), default=0)
display(
    Markdown(
        f"Of {count} clips that could be examined {hits} have a suspected break, {100 * hits / max(count, 1):.0f} % "
        f"({100 * low:.0f} to {100 * high:.0f}); {missing} files have no result. Of {len(charts)} recorders with at least three "
        f"periods {len(moved)} moved{': ' + named if named else ''}.{made}\n\n"
        f"What this does not show: why something moved; a person looks at the clips, and at what was updated in that "
        f"{period}. Findings are what the detectors tell, not what people decided. Clips of one job are not independent, and "
        f"a share of few is unsure: here no {period} of a recorder has more than {thin} clips. With {len(charts)} charts of "
        f"three tenths of a per cent each, some alarms are chance where charts are many."
    )
)
