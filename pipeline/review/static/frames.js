// Exact pictures, made by the server from the packets themselves: one large, its neighbours as a strip, two to compare.
import { clock } from "./timeline.js";

const element = (name, classes = "", text = "") => {
  const made = document.createElement(name);
  if (classes) made.className = classes;
  if (text) made.textContent = text;
  return made;
};

export class Frames {
  constructor(root, { source, words, onChosen }) {
    Object.assign(this, { root, source, words, onChosen });
    this.shown = [];
    this.place = 0;
    this.asked = 0;
    this.strip = element("div", "strip");
    this.pair = element("div", "pair");
    this.hidden = element("div", "hidden-pictures");
    this.said = element("p", "hint");
    this.said.setAttribute("role", "status");
    this.root.replaceChildren(this.pair, this.strip, this.hidden, this.said);
  }

  ofFinding(id) {
    return this.#load({ finding: id });
  }

  at(seconds) {
    return this.#load({ at: seconds });
  }

  async step(count, seconds) {
    const next = this.place + count;
    if (!this.shown.length) await this.at(seconds);
    else if (next >= 0 && next < this.shown.length) this.#choose(next);
    else await this.#load({ frame: Math.max(0, this.shown[this.place].frame + count) });
  }

  async #load(query) {
    const asked = ++this.asked;
    this.said.textContent = this.words.loading;
    const answer = await fetch(`${this.source}?${new URLSearchParams(query)}`, { headers: { accept: "application/json" } });
    if (asked !== this.asked) return;
    if (!answer.ok) {
      this.said.textContent = await answer.text();
      return;
    }
    const found = await answer.json();
    this.said.textContent = found.reason ?? "";
    this.shown = found.frames;
    this.#hide(found.hidden);
    this.strip.replaceChildren(...this.shown.map((frame, place) => this.#thumb(frame, place)));
    if (this.shown.length) this.#choose(Math.max(0, this.shown.findIndex((frame) => frame.frame === found.chosen)));
  }

  // What an edit list hides is no frame of the clip: it has no number, and the time of the media only.
  #hide(pictures) {
    const figures = pictures.map((picture) => {
      const figure = element("figure");
      figure.append(this.#picture({ still: picture.still, frame: "" }), element("figcaption", "", clock(picture.time_s)));
      return figure;
    });
    this.hidden.replaceChildren(...(figures.length ? [element("h3", "", this.words.hidden), ...figures] : []));
  }

  #thumb(frame, place) {
    const button = element("button", `thumb ${frame.place}`);
    button.type = "button";
    button.append(this.#picture(frame), element("span", "", `${frame.frame} · ${frame.type ?? "?"}${frame.key ? " ◆" : ""}`));
    button.setAttribute("aria-label", `${this.words.frame} ${frame.frame}, ${clock(frame.time_s ?? 0)}`);
    button.addEventListener("click", () => this.#choose(place));
    return button;
  }

  #picture(frame) {
    if (!frame.still) return element("span", "missing", frame.reason ?? this.words.none);
    const image = element("img");
    image.src = frame.still;
    image.alt = `${this.words.frame} ${frame.frame}`;
    image.loading = "lazy";
    image.addEventListener("error", () => image.replaceWith(element("span", "missing", this.words.none)));
    return image;
  }

  #choose(place) {
    this.place = place;
    [...this.strip.children].forEach((thumb, number) => thumb.setAttribute("aria-pressed", String(number === place)));
    this.strip.children[place].scrollIntoView({ block: "nearest", inline: "center" });
    const [before, frame] = [this.shown[place - 1], this.shown[place]];
    const figures = before ? [this.#figure(before), this.#figure(frame), this.#difference(before, frame)] : [this.#figure(frame)];
    this.pair.replaceChildren(...figures);
    this.onChosen(frame);
  }

  #figure(frame) {
    const figure = element("figure");
    const caption = element("figcaption");
    caption.append(element("b", "", `${this.words.frame} ${frame.frame} · ${clock(frame.time_s ?? 0)}`));
    const facts = element("dl");
    for (const [name, value] of frame.facts) facts.append(element("dt", "", name), element("dd", "", value));
    caption.append(facts);
    figure.append(this.#picture(frame), caption);
    return figure;
  }

  #difference(before, frame) {
    const figure = element("figure", "difference");
    const image = element("img");
    image.alt = this.words.difference;
    image.src = frame.difference;
    image.addEventListener("error", () => image.replaceWith(element("span", "missing", this.words.none)));
    figure.append(image, element("figcaption", "", this.words.difference));
    return figure;
  }
}
