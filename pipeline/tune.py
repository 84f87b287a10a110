"""Tuning detectors, for notebooks: the one import.

    from pipeline import tune

    labels = tune.forge(takes, Path("forged"), ["frozen-0.5s", "re-encoded"])
    labels += tune.read_review(Path("labels.parquet"))
    clips = tune.load(labels, Path("~/.cache/unbroken").expanduser())       # measured once, then from the cache
    parts = tune.split(labels, held_out=0.5, seed=1)                         # by source: no take on both sides
    before = tune.score(parts.test, clips)
    tries = tune.sweep(parts.tune, clips, "detectors.frozen-picture", min_hold_s=[0.3, 0.5, 0.8, 1.2])
    choice = tune.choose(tries, "f1", alarms_an_hour=2.0)
    after = choice.confirm(parts.test, clips)                                # on takes that nothing was chosen by
    tune.write_tuned(Path("tuned.toml"), tune.tuned(choice, after, by="李四"))
    tune.errors(after)                                                       # misses and false alarms, with pictures

`docs/tuning.md` says how labels, splits and scores are defined. Nothing here is random but for its seed, and nothing
is decoded twice. What notebooks show is what `unbroken scan CLIP --settings tuned.toml` tells of each clip by itself.
"""

from pipeline.beside import Beside
from pipeline.model import Features, Finding, Level
from pipeline.settings import Settings
from pipeline.tuning.breaks import Breaks, breaks_of
from pipeline.tuning.charts import ControlChart, ControlPoint, control_chart
from pipeline.tuning.clips import BATCH, Clip, Clips, load
from pipeline.tuning.device import DeviceCheck, DeviceFit, fit_device, known_good
from pipeline.tuning.drift import drift
from pipeline.tuning.errors import ErrorRow, Errors, errors
from pipeline.tuning.forging import forge
from pipeline.tuning.hearing import Heard, Hearing, hear
from pipeline.tuning.intervals import bootstrap_f1, bootstrap_gain, bootstrap_ratio, f1, garwood, most_an_hour, wilson
from pipeline.tuning.judging import Judged, Rules, Sought, Told
from pipeline.tuning.label_files import read_review, read_truths
from pipeline.tuning.labels import BREAKS, SCHEMA, Label, LabelError, Labels, labels_from
from pipeline.tuning.look import Look, look
from pipeline.tuning.matching import TOLERANCE_S, telling, touches
from pipeline.tuning.score import ALL, KindScore, Rate, Score, score
from pipeline.tuning.settings_file import read_tuned, tuned, write_settings, write_tuned
from pipeline.tuning.split import LeakageError, Split, folds, groups, must_not_leak, split
from pipeline.tuning.spoken import Speech, Spoken, Utterance, level, read_speech, speak_in_noise
from pipeline.tuning.sweep import Choice, Point, Sweep, choose, sweep
from pipeline.tuning.training import Trained, Weights, quality, reliability, train_fusion

__all__ = [
    "ALL",
    "BATCH",
    "BREAKS",
    "SCHEMA",
    "TOLERANCE_S",
    "Beside",
    "Breaks",
    "Choice",
    "Clip",
    "Clips",
    "ControlChart",
    "ControlPoint",
    "DeviceCheck",
    "DeviceFit",
    "ErrorRow",
    "Errors",
    "Features",
    "Finding",
    "Heard",
    "Hearing",
    "Judged",
    "KindScore",
    "Label",
    "LabelError",
    "Labels",
    "LeakageError",
    "Level",
    "Look",
    "Point",
    "Rate",
    "Rules",
    "Score",
    "Settings",
    "Sought",
    "Speech",
    "Split",
    "Spoken",
    "Sweep",
    "Told",
    "Trained",
    "Utterance",
    "Weights",
    "bootstrap_f1",
    "bootstrap_gain",
    "bootstrap_ratio",
    "breaks_of",
    "choose",
    "control_chart",
    "drift",
    "errors",
    "f1",
    "fit_device",
    "folds",
    "forge",
    "garwood",
    "groups",
    "hear",
    "known_good",
    "labels_from",
    "level",
    "load",
    "look",
    "most_an_hour",
    "must_not_leak",
    "quality",
    "read_review",
    "read_speech",
    "read_truths",
    "read_tuned",
    "reliability",
    "score",
    "speak_in_noise",
    "split",
    "sweep",
    "telling",
    "touches",
    "train_fusion",
    "tuned",
    "wilson",
    "write_settings",
    "write_tuned",
]
