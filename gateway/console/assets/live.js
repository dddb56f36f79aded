// Keeps the page fresh: every two seconds the same page is fetched again and the parts marked data-live are replaced where
// they changed. Without this script the page works as it is. When the gateway does not answer, the page says so: what it
// shows is then old.
"use strict";
(() => {
  const every = 2000, patience = 3;
  const seen = new WeakMap();
  let missed = 0, since = null;

  const busy = (part) => {
    const at = document.activeElement;
    return at && part.contains(at) && at.matches("input[type=text], textarea, select");
  };

  const replace = (part, fresh) => {
    const html = fresh.innerHTML;
    if (part.className !== fresh.className) part.className = fresh.className;
    if ((seen.has(part) ? seen.get(part) : part.innerHTML) === html || busy(part)) return;
    const at = document.activeElement;
    const focus = at && part.contains(at) ? at.id || at.closest("[id]").id : "";
    const open = [...part.querySelectorAll("details[id][open]")].map((d) => d.id);
    const typed = [...part.querySelectorAll("input[type=text][id]")].filter((i) => i.value).map((i) => [i.id, i.value]);
    const scrolled = [...part.querySelectorAll(".bubbles")].map((b) => b.scrollTop);
    part.innerHTML = html;
    seen.set(part, html);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    for (const [id, value] of typed) { const i = document.getElementById(id); if (i) i.value = value; }
    part.querySelectorAll(".bubbles").forEach((b, i) => { if (scrolled[i]) b.scrollTop = scrolled[i]; });
    if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
  };

  const answered = (ok) => {
    missed = ok ? 0 : missed + 1;
    if (ok) since = new Date();
    const lost = document.getElementById("lost");
    lost.hidden = missed < patience;
    if (!lost.hidden && since) document.getElementById("lost-since").textContent = since.toLocaleTimeString();
    document.body.classList.toggle("stale", !lost.hidden);
  };

  const refresh = async () => {
    try {
      const answer = await fetch(location.pathname + location.search, { cache: "no-store", signal: AbortSignal.timeout(4000) });
      if (!answer.ok) throw new Error(answer.status);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live][id]")) {
        const other = fresh.getElementById(part.id);
        if (other) replace(part, other);
      }
      answered(true);
      run();
    } catch {
      answered(false);
    }
  };

  // The event clock runs on between two fetches, at the speed it has.
  let face = null;
  const run = () => {
    const clock = document.querySelector("#clock time");
    if (clock) face = { at: Number(clock.dataset.millis), offset: Number(clock.dataset.offset), speed: Number(clock.dataset.speed), got: performance.now() };
  };
  const tick = () => {
    const clock = document.querySelector("#clock time");
    if (!clock || !face || missed) return;
    const now = new Date(face.at + (performance.now() - face.got) * face.speed + face.offset * 1000);
    clock.textContent = now.toISOString().slice(11, 19);
  };

  const loop = async () => {
    if (!document.hidden) await refresh();
    setTimeout(loop, every);
  };
  since = new Date();
  run();
  setInterval(tick, 250);
  setTimeout(loop, every);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
})();
