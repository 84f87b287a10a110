"use strict";
// Everything works without this script except zooming, playing from a word, and unfolding for print.
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
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
