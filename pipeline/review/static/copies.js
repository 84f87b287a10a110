// Files that are being made: how far they are, without loading the page again.
const list = document.querySelector(".handed[data-source]");
const busy = (state) => state === "waiting" || state === "making";

const show = (told) => {
  const item = list.querySelector(`[data-file="${CSS.escape(told.name)}"]`);
  if (!item) return;
  item.dataset.state = told.state;
  const status = item.querySelector(".status");
  if (status.textContent !== told.status) status.textContent = told.status;
  const bar = item.querySelector("progress");
  if (!bar) return;
  if (busy(told.state)) bar.value = told.percent;
  else bar.remove();
  item.querySelector(".get").hidden = told.state !== "ready";
};

const look = async () => {
  const answer = await fetch(list.dataset.source, { headers: { accept: "application/json" } });
  if (!answer.ok) return;
  const { entries } = await answer.json();
  entries.forEach(show);
  if (entries.some((told) => busy(told.state))) setTimeout(look, 1000);
};

if (list) setTimeout(look, 500);
