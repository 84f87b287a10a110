// The clip page: player, timeline, exact frames and findings move together.
import { Frames } from "./frames.js";
import { Timeline, clock } from "./timeline.js";

const told = JSON.parse(document.getElementById("clip-data").textContent);
const byId = (id) => document.getElementById(id);
const video = byId("player");
const cards = [...document.querySelectorAll("[data-finding]")];
const offsetS = told.offset_s ?? 0; // a copy may show everything later, by this much
let chosen = -1;
let now = 0;

// What the browser shows is not exact to a frame; the exact frames below the timeline are.
const seek = (seconds, { play = false } = {}) => {
  now = Math.min(Math.max(seconds, 0), told.duration_s);
  if (video) {
    video.currentTime = now + offsetS;
    if (play) video.play();
  }
  shown();
};

const shown = () => {
  byId("now").textContent = clock(now);
  timeline.at(now);
};

const choose = (id, { move = true, zoom = true } = {}) => {
  const number = cards.findIndex((card) => card.dataset.finding === id);
  if (number < 0) return;
  chosen = number;
  cards.forEach((card, place) => card.toggleAttribute("data-chosen", place === number));
  const card = cards[number];
  card.scrollIntoView({ block: "nearest" });
  if (!move) return;
  const [start, stop] = [Number(card.dataset.start), Number(card.dataset.stop)];
  const room = Math.max(2, (stop - start) * 1.5);
  if (zoom) timeline.show(start - room, stop + room);
  video?.pause();
  seek(start);
  frames.ofFinding(id);
  if (zoom) history.replaceState(null, "", `#${id}`);
};

const step = (count) => {
  if (!cards.length) return;
  choose(cards[(chosen + count + cards.length) % cards.length].dataset.finding);
};

const timeline = new Timeline(byId("timeline"), {
  source: told.links.timeline,
  durationS: told.duration_s,
  words: told.words,
  seek,
  choose,
});
const frames = new Frames(byId("frames"), {
  source: told.links.frames,
  words: told.words,
  onChosen: (frame) => {
    now = frame.time_s ?? now;
    if (video) video.currentTime = now + offsetS;
    shown();
  },
});

if (video) {
  const follow = () => {
    now = video.currentTime - offsetS;
    shown();
    if (!video.paused) requestAnimationFrame(follow);
  };
  video.addEventListener("play", follow);
  video.addEventListener("pause", follow);
  video.addEventListener("seeked", () => {
    if (!video.paused) follow();
  });
}

const actions = {
  "zoom-in": () => timeline.zoom(0.5),
  "zoom-out": () => timeline.zoom(2),
  "zoom-all": () => timeline.all(),
  "next-finding": () => step(1),
  "previous-finding": () => step(-1),
  "next-frame": () => frames.step(1, now),
  "previous-frame": () => frames.step(-1, now),
  "frames-here": () => frames.at(now),
  play: () => video && (video.paused ? video.play() : video.pause()),
};
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) actions[button.dataset.do]();
  const show = event.target.closest("[data-show]");
  if (show) choose(show.dataset.show);
});

const decide = (decision) => {
  const form = cards[chosen]?.querySelector("form[data-decide]");
  const button = form?.querySelector(`[value="${decision}"]`);
  if (!button) return;
  form.closest("details").open = true;
  button.checked = true;
  form.querySelector("textarea").focus();
};
const keys = {
  n: "next-finding",
  p: "previous-finding",
  ".": "next-frame",
  ",": "previous-frame",
  f: "frames-here",
  "+": "zoom-in",
  "=": "zoom-in",
  "-": "zoom-out",
  0: "zoom-all",
  " ": "play",
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, video")) return;
  if (event.key === " " && event.target.closest("button, summary, a")) return;
  const verdict = { a: "accepted", d: "dismissed", u: "unsure" }[event.key];
  if (!keys[event.key] && !verdict) return;
  event.preventDefault();
  if (verdict) decide(verdict);
  else actions[keys[event.key]]();
});

await timeline.all();
if (location.hash) choose(decodeURIComponent(location.hash.slice(1)));
else if (cards.length) choose(cards[0].dataset.finding, { move: !cards[0].classList.contains("note"), zoom: false });
shown();
document.body.dataset.ready = "";
