// One time axis below the player: findings, curves with their thresholds, waveform, clock, words, texts, key frames.
// Everything is asked of the server for the stretch that is shown; the extremes of each pixel come with it.
import uPlot from "./vendor/uplot.js";

const ROW_PX = 84;
const LEAST_S = 0.2;
const INK = { line: "#1f5f8b", band: "rgba(31, 95, 139, 0.22)", threshold: "#b3400e", grid: "#e3e8ed", text: "#55606c" };

const element = (name, classes = "", text = "") => {
  const made = document.createElement(name);
  if (classes) made.className = classes;
  if (text) made.textContent = text;
  return made;
};

export const clock = (seconds) => {
  const ticks = Math.round(Math.abs(seconds) * 1000);
  const pad = (value, digits) => String(value).padStart(digits, "0");
  const [hours, minutes] = [Math.floor(ticks / 3600000), Math.floor(ticks / 60000) % 60];
  const rest = `${pad(Math.floor(ticks / 1000) % 60, 2)}.${pad(ticks % 1000, 3)}`;
  return (seconds < 0 && ticks ? "-" : "") + (hours ? `${hours}:${pad(minutes, 2)}:${rest}` : `${minutes}:${rest}`);
};

// Samples as uPlot takes them: times, low, high. Of exact samples both are the value.
const columns = (samples) =>
  samples.exact ? [samples.times_s, samples.values, samples.values] : [samples.times_s, samples.low, samples.high];

export class Timeline {
  constructor(root, { source, durationS, words, seek, choose }) {
    Object.assign(this, { root, source, durationS: Math.max(durationS, LEAST_S), words, seek, choose });
    this.window = [0, this.durationS];
    this.now = 0;
    this.plots = [];
    this.asked = 0;
    this.lanes = element("div", "rows");
    this.root.replaceChildren(this.lanes);
    this.root.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.root.addEventListener("pointerdown", (event) => this.#drag(event));
    new ResizeObserver(() => this.#resized()).observe(this.root);
  }

  get trackWidth() {
    return Math.max(120, this.root.clientWidth - this.labelWidth);
  }

  get labelWidth() {
    return this.root.clientWidth < 560 ? 84 : 150;
  }

  async show(startS, stopS) {
    const length = Math.min(Math.max(stopS - startS, LEAST_S), this.durationS);
    const start = Math.min(Math.max(startS, 0), Math.max(0, this.durationS - length));
    this.window = [start, start + length];
    const asked = ++this.asked;
    const points = Math.min(2000, Math.round(this.trackWidth));
    const query = new URLSearchParams({ start: this.window[0], stop: this.window[1], points });
    const answer = await fetch(`${this.source}?${query}`, { headers: { accept: "application/json" } });
    if (!answer.ok || asked !== this.asked) return;
    this.#draw(await answer.json());
  }

  zoom(factor, aboutS = this.now) {
    const [start, stop] = this.window;
    const about = Math.min(Math.max(aboutS, start), stop);
    return this.show(about - (about - start) * factor, about + (stop - about) * factor);
  }

  all() {
    return this.show(0, this.durationS);
  }

  at(seconds) {
    this.now = seconds;
    const [start, stop] = this.window;
    this.root.style.setProperty("--now-share", String((seconds - start) / (stop - start)));
    this.root.classList.toggle("elsewhere", seconds < start || seconds > stop);
  }

  #share(seconds) {
    const [start, stop] = this.window;
    return ((seconds - start) / (stop - start)) * 100;
  }

  #time(event) {
    const box = this.lanes.getBoundingClientRect();
    const share = (event.clientX - box.left - this.labelWidth) / this.trackWidth;
    return this.window[0] + Math.min(Math.max(share, 0), 1) * (this.window[1] - this.window[0]);
  }

  #wheel(event) {
    if (!event.ctrlKey && !event.shiftKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
    event.preventDefault();
    const [start, stop] = this.window;
    const sideways = event.shiftKey ? event.deltaY : event.deltaX;
    if (event.ctrlKey) this.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.#time(event));
    else this.show(start + (sideways / this.trackWidth) * (stop - start), stop + (sideways / this.trackWidth) * (stop - start));
  }

  #drag(event) {
    if (event.button !== 0 || event.target.closest("button, a")) return;
    const [from, [start, stop]] = [event.clientX, this.window];
    let moved = false;
    const move = (step) => {
      if (Math.abs(step.clientX - from) < 4 && !moved) return;
      moved = true;
      const shift = ((from - step.clientX) / this.trackWidth) * (stop - start);
      this.show(start + shift, stop + shift);
    };
    const end = (last) => {
      this.root.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", end);
      if (!moved) this.seek(this.#time(last));
    };
    this.root.addEventListener("pointermove", move);
    window.addEventListener("pointerup", end);
  }

  #resized() {
    const width = this.root.clientWidth;
    if (width && width !== this.drawnWidth) this.show(...this.window);
  }

  #row(label, classes = "") {
    const row = element("div", `lane ${classes}`);
    const name = element("div", "label", label);
    name.title = label;
    const track = element("div", "track");
    row.append(name, track);
    this.lanes.append(row);
    return track;
  }

  #draw(told) {
    this.drawnWidth = this.root.clientWidth;
    this.root.style.setProperty("--label", `${this.labelWidth}px`);
    for (const plot of this.plots) plot.destroy();
    this.plots = [];
    this.lanes.replaceChildren();
    this.#axis();
    this.#findings(told);
    if (told.waveform) this.#waveform(told.waveform);
    for (const curve of told.curves) this.#curve(curve);
    if (told.clock) this.#clock(told.clock);
    for (const name of ["words", "texts", "landmarks"]) if (told[name]) this.#texts(told[name]);
    if (told.key_frames) this.#keyFrames(told.key_frames);
    this.lanes.append(element("div", "now"));
    this.at(this.now);
  }

  #axis() {
    const track = this.#row("", "axis");
    const [start, stop] = this.window;
    const steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600];
    const most = Math.max(2, this.trackWidth / 96);
    const step = steps.find((one) => (stop - start) / one <= most) ?? 7200;
    for (let number = Math.ceil(start / step); number * step < stop; number += 1) {
      const tick = element("span", "tick", clock(number * step));
      tick.style.left = `${this.#share(number * step)}%`;
      if (this.#share(number * step) < 96) track.append(tick);
    }
  }

  #mark(track, entry, classes, label) {
    const mark = element("button", `mark ${classes}`);
    mark.type = "button";
    mark.title = label;
    mark.setAttribute("aria-label", label);
    mark.style.left = `${Math.max(0, this.#share(entry.start_s))}%`;
    mark.style.width = `${Math.min(100, this.#share(entry.stop_s)) - Math.max(0, this.#share(entry.start_s))}%`;
    track.append(mark);
    return mark;
  }

  #findings(told) {
    // A note about the whole clip, such as one on its records, is of no moment: it stands in the list only.
    const levels = ["violation", "suspect", "note"];
    const placed = told.findings.filter((one) => one.level !== "note" || one.stop_s - one.start_s < this.durationS * 0.98);
    placed.sort((one, other) => levels.indexOf(one.level) - levels.indexOf(other.level));
    for (const some of this.#grouped(placed).values()) {
      const track = this.#row(some[0].title, "found");
      for (const one of some) {
        const mark = this.#mark(track, one, one.level, `${one.title} · ${one.level_name} · ${clock(one.start_s)}`);
        mark.addEventListener("click", () => this.choose(one.id));
      }
    }
  }

  #grouped(findings) {
    const groups = new Map();
    for (const one of findings) groups.set(one.kind, [...(groups.get(one.kind) ?? []), one]);
    return groups;
  }

  #plot(track, data, { unit, low, high, lines = [], filled = true }) {
    const [start, stop] = this.window;
    const options = {
      width: this.trackWidth,
      height: ROW_PX,
      legend: { show: false },
      cursor: { show: false },
      select: { show: false },
      padding: [6, 0, 6, 0],
      scales: { x: { time: false, range: () => [start, stop] }, y: { range: () => [low, high] } },
      axes: [{ show: false }, { show: false }],
      series: [
        {},
        { stroke: INK.line, width: 1, points: { show: data[0].length < this.trackWidth / 6, size: 4 } },
        { stroke: INK.line, width: 1, points: { show: false } },
      ],
      bands: filled ? [{ series: [2, 1], fill: INK.band }] : [],
      hooks: {
        draw: [
          (plot) => {
            const context = plot.ctx;
            context.save();
            context.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
            context.strokeStyle = INK.threshold;
            context.lineWidth = 1.5 * devicePixelRatio;
            for (const line of lines) {
              const y = plot.valToPos(line.value, "y", true);
              context.beginPath();
              context.moveTo(plot.bbox.left, y);
              context.lineTo(plot.bbox.left + plot.bbox.width, y);
              context.stroke();
            }
            context.restore();
          },
        ],
      },
    };
    this.plots.push(new uPlot(options, data, track));
    const figure = (value) => `${Math.abs(value) >= 1000 || Number.isInteger(value) ? Math.round(value) : +value.toPrecision(3)}`;
    track.append(element("span", "high", `${figure(high)} ${unit}`), element("span", "low", figure(low)));
  }

  #range(data, lines) {
    const values = [...data[1], ...data[2], ...lines.map((line) => line.value)].filter((value) => value !== null);
    if (!values.length) return null;
    let [low, high] = [values[0], values[0]];
    for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
    const room = (high - low || Math.abs(high) || 1) * 0.05;
    return [low - room, high + room];
  }

  #curve(curve) {
    const data = columns(curve.samples);
    const range = this.#range(data, curve.thresholds);
    if (!range) return;
    const track = this.#row(curve.label, "curve");
    this.#plot(track, data, { unit: curve.unit, low: range[0], high: range[1], lines: curve.thresholds });
    if (curve.thresholds.length) track.title = curve.thresholds.map((one) => `${one.label}: ${one.value}`).join("\n");
  }

  #waveform(wave) {
    const [times, , peaks] = columns(wave.peak);
    const data = [times, peaks.map((peak) => (peak === null ? null : -peak)), peaks];
    this.#plot(this.#row(wave.label, "curve"), data, { unit: "", low: -1, high: 1 });
  }

  #clock(told) {
    const data = columns(told.samples);
    const range = this.#range(data, []);
    if (!range) return;
    const track = this.#row(told.label, "curve");
    this.#plot(track, data, { unit: told.unit, low: Math.min(range[0], range[1] - 2), high: range[1] });
    for (const one of told.unread) this.#mark(track, one, "unread", `${this.words.unread} · ${clock(one.start_s)}`);
  }

  #texts(lane) {
    const track = this.#row(lane.label, "texts");
    for (const one of lane.entries) {
      const start = one.start_s ?? one.time_s;
      const stop = one.stop_s ?? start;
      const text = one.text ?? one.photo ?? "";
      const mark = this.#mark(track, { start_s: start, stop_s: stop }, one.notice ? "said notice" : "said", `${clock(start)} · ${text}`);
      if (this.#share(stop) - this.#share(start) > 1.2) mark.textContent = text;
      mark.addEventListener("click", () => this.seek(start));
    }
  }

  #keyFrames(lane) {
    const track = this.#row(lane.label, "keys");
    const ticks = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    ticks.setAttribute("viewBox", "0 0 100 10");
    ticks.setAttribute("preserveAspectRatio", "none");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", lane.times_s.map((time) => `M${this.#share(time).toFixed(3)} 0V10`).join(""));
    ticks.append(path);
    track.append(ticks);
  }
}
