// The banner, and the sections around the grid of shards.

const headlines = {
  healthy: ["✓", "Everything is running"],
  recovering: ["…", "Well again, being confirmed"],
  degraded: ["!", "Something needs a look"],
  unhealthy: ["✕", "There is a problem"],
  starting: ["…", "Starting"],
  stopping: ["…", "Shutting down"],
};

function drawBanner() {
  const [mark, words] = headlines[page.status] || headlines.starting;
  const bad = (page.checks || []).filter((c) => c.status !== "healthy" && c.status !== "pending");
  const down = page.totals.shards - page.totals.ready;
  let sub = `${number.format(page.totals.ready)} of ${count(page.totals.shards, "shard")} ready`;
  if (bad.length) {
    sub = bad.map((c) => c.recovering ? `${c.name}: was ${c.status}, the last run was good`
      : `${c.name}: ${c.message.split("\n")[0]}`).join("\n");
  } else if (down === 0 && page.totals.shards > 0) sub = `${count(page.totals.shards, "shard")} ready, no problem found`;
  attr($("banner"), "data-status", page.status);
  text($("banner-mark"), mark);
  text($("headline"), words);
  text($("headline-sub"), sub);
  text($("name"), page.name);
  text($("version"), page.version);
  const many = page.processes.length > 1;
  text($("subtitle"), many ? `Status of ${page.processes.length} processes` : `Status · ${page.processes[0]?.name || ""}`);
}

// drawTitle says in the tab how it is.
function drawTitle(stale) {
  const mark = stale ? "?" : page.status === "healthy" ? "" : (headlines[page.status] || headlines.starting)[0];
  const title = `${mark ? mark + " " : ""}${page.name} · status`;
  if (document.title !== title) document.title = title;
}

function cards() {
  const t = page.totals, h = page.history;
  const [memory, unit] = bytes(t.memory);
  const all = page.shard_count > t.shards ? `this process has ${t.shards} of ${page.shard_count}`
    : t.ready === t.shards ? "all ready" : `${count(t.shards - t.ready, "shard")} not ready`;
  return [
    {label: "Shards ready", figure: number.format(t.ready), unit: "of " + number.format(t.shards), foot: all},
    {label: "Servers", figure: number.format(t.guilds), unit: "",
      foot: t.unavailable ? `${number.format(t.unavailable)} unreachable` : "all reachable"},
    {label: "Events", figure: rate(t.rate), unit: "/ s", values: h.rate, what: "Events per second", of: "a second"},
    {label: "Latency", figure: t.latency > 0 ? number.format(Math.round(t.latency)) : "–", unit: "ms",
      values: h.latency, what: "Latency", of: "ms"},
    {label: "Memory", figure: memory, unit, foot: t.memory_limit ? `of ${bytes(t.memory_limit).join(" ")}` : "no limit"},
    {label: "Uptime", figure: about((now() - Date.parse(page.started)) / 1000), unit: "", foot: `${number.format(t.events)} events`},
  ];
}

function drawCards() {
  list($("cards"), cards(), (c) => c.label, (c) => el("div", {class: "card"}, el("span", {class: "label"}, c.label),
    el("span", {class: "figure"}, el("span", {}), " ", el("small", {})),
    c.values ? newSpark() : el("span", {class: "foot"})),
  (node, c) => {
    const [, figure, foot] = node.children;
    text(figure.firstChild, c.figure);
    text(figure.lastChild, c.unit);
    if (c.values) fillSpark(foot, c.what, page.history, c.values, c.of);
    else text(foot, c.foot);
  });
}

// A run is a bar: the worse it was, the higher.
const bars = {healthy: 8, degraded: 14, unhealthy: 20};
const slots = 30;

function newHistory() {
  const step = 5.2, svg = el("svg:svg", {class: "history", viewBox: `0 0 ${slots * step - 1.2} 20`, preserveAspectRatio: "none", role: "img"});
  for (let i = 0; i < slots; i++) svg.append(el("svg:rect", {x: (i * step).toFixed(1), width: 4, rx: 1}));
  return svg;
}

function fillHistory(svg, check) {
  const values = check.history.slice(-slots), counts = {};
  const key = values.join();
  if (svg.dataset.values === key) return;
  svg.dataset.values = key;
  for (const v of values) counts[v] = (counts[v] || 0) + 1;
  attr(svg, "aria-label", values.length ? `The last ${count(values.length, "run")}: ` +
    Object.entries(counts).map(([k, n]) => `${n} ${k}`).join(", ") : "It has not run yet");
  [...svg.children].forEach((bar, i) => {
    const v = values[i - slots + values.length], height = bars[v] || 3;
    attr(bar, "class", v || "none");
    attr(bar, "y", 20 - height);
    attr(bar, "height", height);
  });
}

function drawChecks() {
  const checks = page.checks || [];
  attr($("checks-panel"), "hidden", checks.length ? null : "");
  const bad = checks.filter((c) => c.status !== "healthy").length;
  text($("checks-note"), bad ? `${bad} of ${checks.length} not healthy` : `${checks.length} of ${checks.length} healthy`);
  list($("checks"), checks, (c, i) => `${i} ${c.name.replace(/ \(.*/, "")}`, () => el("li", {},
    el("div", {class: "title"}, el("span", {}), el("span", {class: "pill"})), newHistory(),
    el("div", {class: "message"}), el("div", {class: "value"})),
  (node, c) => {
    const [title, history, message, value] = node.children;
    text(title.firstChild, c.name);
    text(title.lastChild, c.recovering ? "recovering" : c.status);
    attr(title.lastChild, "data-status", c.recovering ? "degraded" : c.status);
    fillHistory(history, c);
    text(message, c.message);
    text(value, c.limit ? `${c.value} · limit ${c.limit}` : c.value || "");
  });
}

function drawMeters() {
  const meters = page.meters || [];
  attr($("meters-panel"), "hidden", meters.length ? null : "");
  list($("meters"), meters, (m) => m.name, (m) => el("li", {}, el("div", {class: "row"}, el("span", {}, m.name), el("span", {})),
    el("svg:svg", {viewBox: "0 0 100 7", preserveAspectRatio: "none", role: "img"}, el("svg:rect", {height: 7}))),
  (node, m) => {
    const used = Math.min(1, Math.max(0, m.used)), [row, bar] = node.children;
    text(row.lastChild, m.text);
    attr(bar, "aria-label", `${Math.round(used * 100)} percent`);
    attr(bar.firstChild, "data-level", m.level);
    attr(bar.firstChild, "width", (used * 100).toFixed(1));
  });
}

function drawAlerts() {
  const alerts = page.alerts || [];
  attr($("no-alerts"), "hidden", alerts.length ? "" : null);
  list($("alerts"), alerts, (a) => `${a.time} ${a.kind} ${a.text}`, (a) => el("li", {"data-status": a.status}, el("p", {}, a.text),
    el("p", {class: "muted"}, `${a.kind} at `, el("time", {datetime: a.time}, clock(a.time)), el("span", {}))),
  (node, a) => text(node.lastChild.lastChild, `, ${about((now() - Date.parse(a.time)) / 1000)} ago`));
}

// drawTable draws rows of cells; the first one names the row.
function drawTable(id, head, rows) {
  attr($(id + "-panel"), "hidden", rows.length ? null : "");
  const table = $(id);
  if (!table.firstChild) {
    table.append(el("thead", {}, el("tr", {}, ...head.map((h) => el("th", {scope: "col"}, h)))), el("tbody", {}));
  }
  list(table.lastChild, rows, (row) => row[0], (row) => el("tr", {}, ...row.map((_, i) => el(i ? "td" : "th", i ? {} : {scope: "row"}))),
    (node, row) => row.forEach((cell, i) => text(node.children[i], cell)));
}

function drawTables() {
  drawTable("slow", ["Operation", "Runs", "Median", "99 %", "Longest"], (page.slow || []).map((o) =>
    [o.name, number.format(o.count), ms(o.p50), ms(o.p99), ms(o.max)]));
  drawTable("caches", ["Cache", "Entries", "Limit", "Hits"], (page.caches || []).map((c) =>
    [c.name, number.format(c.entries), c.limit ? number.format(c.limit) : "–",
      c.hits >= 0 ? Math.round(c.hits * 100) + " %" : "–"]));
}
