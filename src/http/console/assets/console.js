// The console works without this script; with it hands stay on the keyboard, clocks count and
// new cases announce themselves.
"use strict";
(() => {
  document.documentElement.classList.add("js");
  const $ = (selector, from = document) => from.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];

  // Keys: `data-key` on a button, link or summary. Not while typing.
  const typing = (target) =>
    target.closest("input:not([type=radio]):not([type=checkbox]), textarea, select") !== null;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      all("details.panel[open], details.drawer[open]").forEach((panel) => (panel.open = false));
      document.activeElement?.blur();
      return;
    }
    if (event.ctrlKey && event.key === "Enter") {
      event.target.closest("form")?.requestSubmit();
      return;
    }
    // A key that is held down is not a hundred decisions.
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const key = event.key === "Enter" ? "enter" : event.key.toLowerCase();
    // Enter belongs to whatever has the focus.
    if (key === "enter" && event.target.closest("a, button, summary")) return;
    const target = all(`[data-key="${CSS.escape(key)}"]`).find((it) => it.offsetParent !== null);
    if (!target) return;
    event.preventDefault();
    if (target.tagName === "SUMMARY") toggle(target.parentElement);
    else if (target.matches("input, select, textarea")) target.focus();
    else target.click();
  });

  // One panel is open at a time, with the cursor in it.
  const toggle = (panel) => {
    all("details.panel[open], details.drawer[open]").forEach((it) => it !== panel && (it.open = false));
    panel.open = !panel.open;
    if (!panel.open) return;
    panel.scrollIntoView({ block: "nearest" });
    const chosen = $("input:checked", panel);
    (chosen ?? $("input:not([type=hidden]), textarea, select", panel))?.focus();
  };
  all("[data-opens]").forEach((button) =>
    button.addEventListener("click", () => toggle(document.getElementById(button.dataset.opens))),
  );

  // A form is sent once: a second press of the key is not a second decision.
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => all("form").forEach((form) => delete form.dataset.sent));

  // Clocks: `data-due` holds milliseconds since 1970.
  const span = (ms) => {
    const minutes = Math.floor(Math.abs(ms) / 60000);
    const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24];
    if (days) return `${days} 天 ${hours} 小时`;
    return hours ? `${hours} 小时 ${minutes % 60} 分` : `${minutes} 分`;
  };
  const skew = Number($("[data-now]")?.dataset.now ?? Date.now()) - Date.now();
  const count = () => {
    const now = Date.now() + skew;
    all("[data-due]").forEach((it) => {
      const left = Number(it.dataset.due) - now;
      it.textContent = `${left < 0 ? "超" : "剩"} ${span(left)}`;
      it.classList.toggle("over", left < 0);
      it.classList.toggle("soon", 0 <= left && left < 2 * 3600000);
    });
  };
  count();
  setInterval(count, 20000);

  // All boxes of a list at once.
  $("[data-all]")?.addEventListener("change", (event) => {
    all("input[name=case]").forEach((box) => (box.checked = event.target.checked));
  });
  // Filters apply as they are chosen.
  all("form[data-auto] select").forEach((it) =>
    it.addEventListener("change", () => it.form.requestSubmit()),
  );

  // On a phone the navigation scrolls sideways to where one is.
  const showPlace = () =>
    $(".side [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  showPlace();

  // What happens while the page is open. The browser reconnects by itself.
  if (!$("[data-live]")) return;
  const busy = (part) =>
    part.contains(document.activeElement) || $("details[open], input:checked", part) !== null;
  const say = (text, href = location.href) => {
    const link = document.createElement("a");
    link.href = href;
    link.textContent = text;
    $("#live").replaceChildren(link);
  };
  // The part of the page that shows the state is fetched anew, unless somebody is at work in it.
  const refresh = async () => {
    const part = $("#fresh");
    if (!part || busy(part)) return say("有新的投诉或变化，点此刷新");
    const answer = await fetch(location.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("fresh");
    if (!fresh || fresh.className !== part.className) return location.reload();
    part.replaceWith(fresh);
    count();
  };
  let state = null;
  let alerts = Infinity;
  const source = new EventSource("/console/live");
  source.addEventListener("counts", (event) => {
    const counts = JSON.parse(event.data);
    all("[data-live]").forEach((it) => {
      const n = counts[it.dataset.live];
      it.textContent = n ? String(n) : "";
    });
    // Numbers make the navigation wider.
    if (state === null) showPlace();
    if (state !== null && state !== counts.state) refresh().catch(() => say("有新的变化，点此刷新"));
    state = counts.state;
    if (alerts < counts.alerts) say("有新的预警", "/console/alerts");
    alerts = counts.alerts;
  });
  addEventListener("pagehide", () => source.close());
})();
