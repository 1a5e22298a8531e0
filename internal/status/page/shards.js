// The grid of shards, with its tooltip, the dialog of one shard, and the search.

// How a state looks: its class, a mark for those who do not see colours, and words.
const looks = {
  ready: ["ready", "", "Ready"],
  slow: ["slow", "~", "Ready, slow"],
  connecting: ["busy", "›", "Connecting"],
  identifying: ["busy", "›", "Identifying"],
  resuming: ["busy", "›", "Resuming"],
  backoff: ["backoff", "!", "Waiting to reconnect"],
  fatal: ["fatal", "✕", "Given up"],
  idle: ["off", "–", "Not open"],
  closed: ["off", "–", "Closed"],
};
const slowLatency = 500; // ms

let chosen = null; // the id of the shard in the dialog
const tiles = new Map(); // shard id → its button
const shards = new Map(); // shard id → its shard
const drawn = new Map(); // shard id → what its tile shows, to spare the document

function look(shard) {
  const slow = shard.state === "ready" && shard.latency > slowLatency;
  return looks[slow ? "slow" : shard.state] || looks.idle;
}

// describe says what a tile shows. Figures that change all the time are for the tooltip.
function describe(shard) {
  const parts = [`Shard ${shard.id}`, look(shard)[2].toLowerCase()];
  if (shard.guilds) parts.push(count(shard.guilds, "server"));
  if (shard.unavailable) parts.push(`${count(shard.unavailable, "server")} unreachable`);
  if (shard.quiet) parts.push("no event for minutes");
  return parts.join(", ");
}

function newTile(shard) {
  return el("button", {type: "button", class: "tile", "data-shard": shard.id, tabindex: "-1"}, el("span", {}), el("small", {}));
}

function tileWords(shard, size) {
  const [, mark, words] = look(shard), ready = shard.state === "ready";
  switch (size) {
    case "wide":
      return [`Shard ${shard.id}`, ready ? `${ms(shard.latency)} · ${count(shard.guilds, "server")} · ${rate(shard.rate)}/s` : words];
    case "large":
      return [String(shard.id), ready ? `${rate(shard.rate)}/s` : words];
    case "medium":
      return [String(shard.id), ready ? `${rate(shard.rate)}/s` : mark];
  }
  return [mark + shard.id, ""];
}

function drawTile(shard, size) {
  const [upper, lower] = tileWords(shard, size), label = describe(shard), [kind] = look(shard);
  const key = `${upper}\n${lower}\n${label}\n${kind}\n${shard.quiet}`;
  if (drawn.get(shard.id) === key) return;
  drawn.set(shard.id, key);
  const tile = tiles.get(shard.id);
  attr(tile, "data-look", kind);
  attr(tile, "data-quiet", shard.quiet ? "" : null);
  attr(tile, "aria-label", label);
  text(tile.firstChild, upper);
  text(tile.lastChild, lower);
}

// A process keeps its elements for as long as it has the same shards.
function drawShards() {
  const n = page.totals.shards;
  const size = n <= 4 ? "wide" : n <= 8 ? "large" : n <= 64 ? "medium" : "small";
  const key = size + page.processes.map((p) => `\n${p.name} ${p.shards.map((s) => s.id)}`).join("");
  shards.clear();
  for (const p of page.processes) for (const s of p.shards) shards.set(s.id, s);
  if ($("processes").dataset.key !== key) {
    $("processes").dataset.key = key;
    tiles.clear();
    drawn.clear();
    $("processes").replaceChildren(...page.processes.map((p, i) => {
      const group = el("div", {class: "tiles", "data-size": size, role: "group",
        "aria-label": `Shards of ${p.name}. The arrow keys move, Enter shows one.`});
      for (const s of p.shards) {
        tiles.set(s.id, newTile(s));
        group.append(tiles.get(s.id));
      }
      return el("section", {class: "process", "aria-label": p.name}, el("h3", {}, el("span", {}, p.name),
        el("span", {id: `process-${i}`})), group);
    }));
    const first = tiles.values().next().value;
    if (first) first.tabIndex = 0;
  }
  page.processes.forEach((p, i) => {
    const ready = p.shards.filter((s) => s.state === "ready").length;
    text($(`process-${i}`), p.shards.length ? `${ready} of ${p.shards.length} ready` : "no shards yet");
    for (const s of p.shards) drawTile(s, size);
  });
  drawLegend();
}

function drawLegend() {
  const counts = new Map();
  for (const s of shards.values()) {
    const entry = look(s);
    counts.set(entry, (counts.get(entry) || 0) + 1);
  }
  const items = Object.values(looks).filter((entry) => counts.has(entry))
    .map((entry) => ({look: entry[0], mark: entry[1], words: `${entry[2]} ${number.format(counts.get(entry))}`, key: entry[2]}));
  const quiet = [...shards.values()].filter((s) => s.quiet).length;
  if (quiet) items.push({look: "ready", quiet, mark: "", words: `No event for minutes ${number.format(quiet)}`, key: "quiet"});
  list($("legend"), items, (i) => i.key, (i) => el("li", {},
    el("span", {class: "key", "data-look": i.look, "data-quiet": i.quiet ? "" : null, "aria-hidden": "true"}, i.mark), el("span", {})),
  (node, i) => text(node.lastChild, i.words));
}

function shardFacts(s) {
  const ready = s.state === "ready", left = (s.retry || 0) - now() / 1000;
  return [["State", look(s)[2]], [ready ? "Ready for" : "Down for", ready ? ago(s.since) : s.down ? ago(s.down) : ""],
    ["Next try", s.retry ? (left > 0 ? `in ${span(Math.ceil(left))}` : "now") : ""],
    ["Latency", ready ? ms(s.latency) : ""], ["Servers", s.guilds ? number.format(s.guilds) : ""],
    ["Unreachable", s.unavailable ? number.format(s.unavailable) : ""],
    ["Events", ready ? `${rate(s.rate)} per second` : ""], ["Quiet", s.quiet ? "for minutes" : ""]];
}

// The tooltip shows more than the label says, in columns; it goes with Escape.
let tipFor = null;
function showTip(tile) {
  if (!shards.get(Number(tile.dataset.shard)) || $("detail").open) return;
  tipFor = tile;
  const tip = $("tip");
  tip.hidden = false;
  drawTip();
  attr(tile, "aria-describedby", "tip");
  const at = tile.getBoundingClientRect(), size = tip.getBoundingClientRect();
  const left = Math.min(Math.max(8, at.left + at.width / 2 - size.width / 2), innerWidth - size.width - 8);
  const above = at.top - size.height - 8;
  tip.style.left = `${left}px`;
  tip.style.top = `${above > 8 ? above : at.bottom + 8}px`;
}
function drawTip() {
  const shard = tipFor && shards.get(Number(tipFor.dataset.shard));
  if (!shard) return hideTip();
  const tip = $("tip");
  if (!tip.firstChild) tip.append(el("b", {}), newFacts());
  text(tip.firstChild, `Shard ${shard.id}`);
  fillFacts(tip.lastChild, [...shardFacts(shard), ["Error", shard.error]]);
}
function hideTip() {
  if (tipFor) attr(tipFor, "aria-describedby", null);
  tipFor = null;
  $("tip").hidden = true;
}

async function refreshDetail() {
  const id = chosen;
  try {
    const answer = await fetch(`shards/${id}`);
    if (!answer.ok) throw new Error(await answer.text());
    const d = await answer.json();
    if (chosen === id) drawDetail(d);
  } catch (err) {
    if (chosen === id) text($("detail-note"), `It could not be read: ${err.message}`);
  }
}

function drawDetail(d) {
  const h = d.history, body = $("detail-body");
  text($("detail-name"), `Shard ${d.id}`);
  text($("detail-state"), d.state);
  attr($("detail-state"), "data-status",
    d.state === "ready" ? "healthy" : d.state === "fatal" || d.state === "backoff" ? "unhealthy" : "pending");
  if (!body.firstChild) {
    const head = (words) => el("h3", {}, el("span", {}, words), el("span", {}));
    body.append(el("p", {class: "problem"}), newFacts(), head("Latency"), newSpark(), head("Events per second"), newSpark());
  }
  const [problem, facts, latency, latencySpark, events, eventsSpark] = body.children;
  attr(problem, "hidden", d.error ? null : "");
  text(problem, d.error);
  const closes = Object.entries(d.closes || {}).map(([code, n]) => `${code === "0" ? "no code" : code} × ${n}`).join(", ");
  fillFacts(facts, [...shardFacts(d), ["Events in all", number.format(d.events)], ["Sequence", number.format(d.sequence)],
    ["Session", d.session > 0 ? ago(d.session) : "none"],
    ["Last heartbeat answered", d.last_ack > 0 ? `${ago(d.last_ack)} ago` : "not yet"],
    ...Object.entries(d.counters || {}).map(([name, n]) => [name, number.format(n)]), ["Disconnects", closes || "none"]]);
  text(latency.lastChild, ms(d.latency));
  fillSpark(latencySpark, "Latency", h, h.latency, "ms");
  text(events.lastChild, rate(d.rate));
  fillSpark(eventsSpark, "Events per second", h, h.rate, "a second");
}

function openDetail(id) {
  const shard = shards.get(id);
  if (!shard) return;
  chosen = id;
  hideTip();
  text($("detail-note"), "");
  $("detail-restart").disabled = false;
  drawDetail({...shard, history: {latency: [], rate: [], step: 5}, events: 0, sequence: 0});
  $("detail").showModal();
  refreshDetail();
}

async function restart() {
  const id = chosen, button = $("detail-restart");
  if (!confirm(`Restart shard ${id}? It resumes its session, so that no event is lost.`)) return;
  button.disabled = true;
  text($("detail-note"), "Restarting …");
  try {
    const answer = await fetch(`shards/${id}/restart`, {method: "POST"});
    const said = (await answer.text()).trim();
    text($("detail-note"), answer.ok ? "Restarted and ready." : `It did not work: ${said}`);
  } catch (err) {
    text($("detail-note"), `It did not work: ${err.message}`);
  }
  button.disabled = false;
}

// find answers which shard a server is on: Discord shards by the id without its lowest 22 bits.
function find(input) {
  const result = $("find-result");
  for (const t of tiles.values()) attr(t, "data-found", null);
  const say = (kind, words) => { result.dataset.kind = kind; result.textContent = words; };
  const link = input.match(/channels\/(@me|\d{1,20})/);
  const id = link ? link[1] : (input.trim().match(/^\d{1,20}$/) || [])[0];
  if (!input.trim()) return say("none", "");
  if (!id) return say("none", "That is neither a server id nor a link to a message.");
  if (!page.shard_count) return say("none", "The number of shards is not known yet.");
  const shard = id === "@me" ? 0 : Number((BigInt(id) >> 22n) % BigInt(page.shard_count));
  const what = id === "@me" ? "Direct messages are" : `Server ${id} is`;
  const tile = tiles.get(shard);
  if (!tile) return say("none", `${what} on shard ${shard} of ${page.shard_count}, which another process has.`);
  attr(tile, "data-found", "");
  say("found", `${what} on shard ${shard} of ${page.shard_count}: ${describe(shards.get(shard)).replace(/^[^,]*, /, "")}.`);
  tile.scrollIntoView({block: "nearest"});
  focusTile(tile);
}

function focusTile(tile) {
  for (const t of tiles.values()) t.tabIndex = t === tile ? 0 : -1;
  tile.focus();
}

// Arrow keys move between tiles as they are seen, Home and End to the first and last one.
function moveFrom(tile, key) {
  const all = [...tiles.values()], i = all.indexOf(tile), at = tile.getBoundingClientRect();
  if (key === "ArrowRight") return all[i + 1];
  if (key === "ArrowLeft") return all[i - 1];
  if (key === "Home") return all[0];
  if (key === "End") return all[all.length - 1];
  const order = key === "ArrowDown" ? all.slice(i + 1) : all.slice(0, i).reverse();
  let best = null, row = null;
  for (const t of order) {
    const r = t.getBoundingClientRect();
    if (Math.abs(r.top - at.top) < 4) continue;
    if (row === null) row = r.top;
    if (Math.abs(r.top - row) > 4) break;
    const away = Math.abs(r.left - at.left);
    if (!best || away < best.away) best = {tile: t, away};
  }
  return best && best.tile;
}

function listenToShards() {
  const grid = $("processes");
  const tileOf = (e) => e.target.closest && e.target.closest(".tile");
  grid.addEventListener("click", (e) => { const t = tileOf(e); if (t) openDetail(Number(t.dataset.shard)); });
  grid.addEventListener("mouseover", (e) => { const t = tileOf(e); if (t) showTip(t); else hideTip(); });
  grid.addEventListener("mouseleave", hideTip);
  grid.addEventListener("focusin", (e) => { const t = tileOf(e); if (t) showTip(t); });
  grid.addEventListener("focusout", hideTip);
  grid.addEventListener("keydown", (e) => {
    const tile = tileOf(e);
    if (!tile || !/^(Arrow|Home|End)/.test(e.key)) return;
    e.preventDefault();
    const next = moveFrom(tile, e.key);
    if (next) focusTile(next);
  });
  addEventListener("keydown", (e) => { if (e.key === "Escape") hideTip(); });
  addEventListener("scroll", hideTip, {passive: true});
  $("find").addEventListener("submit", (e) => { e.preventDefault(); find($("find-input").value); });
  $("detail-close").addEventListener("click", () => $("detail").close());
  $("detail").addEventListener("close", () => {
    const tile = tiles.get(chosen);
    chosen = null;
    if (tile) { focusTile(tile); hideTip(); }
  });
  $("detail-restart").addEventListener("click", restart);
}
