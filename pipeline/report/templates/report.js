"use strict";
// Everything works without this script except zooming, playing from a word or a place of a waveform, and unfolding for print.
for (const button of document.querySelectorAll("[data-zoom]")) {
  button.addEventListener("click", () => {
    const scroller = document.querySelector(".scroller");
    const lanes = scroller.querySelector(".lanes");
    const middle = (scroller.scrollLeft + scroller.clientWidth / 2) / lanes.clientWidth;
    lanes.style.setProperty("--zoom", button.dataset.zoom);
    for (const other of document.querySelectorAll("[data-zoom]")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
    scroller.scrollLeft = middle * lanes.clientWidth - scroller.clientWidth / 2;
  });
}
const opening = document.getElementById("opening");
if (opening) {
  document.querySelector(".transcript").classList.add("playable");
  document.querySelector(".transcript").addEventListener("click", (event) => {
    const word = event.target.closest("[data-s]");
    if (word) {
      opening.currentTime = Math.max(0, Number(word.dataset.s) - 0.3);
      opening.play();
    }
  });
}
for (const heard of document.querySelectorAll(".heard")) {
  const audio = heard.querySelector("audio");
  if (!audio) continue;
  const start = Number(heard.dataset.start), length = Number(heard.dataset.length);
  const wave = heard.querySelector(".wave"), head = heard.querySelector(".head");
  const follow = () => {
    head.hidden = false;
    head.style.left = `${Math.min(100, (100 * audio.currentTime) / length)}%`;
    if (!audio.paused) requestAnimationFrame(follow);
  };
  const playFrom = (seconds) => {
    audio.currentTime = Math.max(0, seconds);
    audio.play();
  };
  heard.classList.add("playable");
  audio.addEventListener("play", follow);
  audio.addEventListener("seeked", follow);
  wave.addEventListener("click", (event) => {
    const box = wave.getBoundingClientRect();
    playFrom((length * (event.clientX - box.left)) / box.width);
  });
  heard.addEventListener("click", (event) => {
    const word = event.target.closest("[data-s]");
    if (word) playFrom(Number(word.dataset.s) - start);
  });
}
addEventListener("play", (event) => {
  for (const other of document.querySelectorAll("audio")) if (other !== event.target) other.pause();
}, true);
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
