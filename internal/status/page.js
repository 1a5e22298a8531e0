"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const number = new Intl.NumberFormat("en");
  const svgNS = "http://www.w3.org/2000/svg";

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

  let page = JSON.parse($("page").textContent);
  let skew = 0; // of the server's clock to ours, ms
  let chosen = null; // the id of the shard in the dialog
  const tiles = new Map(); // shard id → its button
  const shards = new Map(); // shard id → its shard

  // el makes an element: el("p", {class: "x"}, "text", child).
  function el(tag, attrs, ...children) {
    const node = tag.startsWith("svg:")
      ? document.createElementNS(svgNS, tag.slice(4)) : document.createElement(tag);
    for (const [name, value] of Object.entries(attrs || {})) {
      if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value);
    }
    node.append(...children.filter((c) => c !== null && c !== undefined));
    return node;
  }

  // text and attr touch the document only where something has changed: a screen reader would
  // otherwise read everything again every two seconds.
  function text(node, value) {
    if (node.textContent !== value) node.textContent = value;
  }
  function attr(node, name, value) {
    if (value === null || value === undefined || value === false) {
      if (node.hasAttribute(name)) node.removeAttribute(name);
    } else if (node.getAttribute(name) !== String(value)) {
      node.setAttribute(name, value);
    }
  }

  const count = (n, one, many) => `${number.format(n)} ${n === 1 ? one : many || one + "s"}`;
  const ms = (v) => (v > 0 ? (v < 10 ? v.toFixed(1) : number.format(Math.round(v))) + " ms" : "–");
  const rate = (v) => (v >= 100 ? number.format(Math.round(v)) : v.toFixed(1));
  function bytes(v) {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let i = 0;
    for (; v >= 1024 && i < units.length - 1; i++) v /= 1024;
    return [v < 10 && i > 0 ? v.toFixed(1) : String(Math.round(v)), units[i]];
  }
  function span(seconds) {
    const s = Math.max(0, Math.round(seconds));
    if (s < 60) return `${s} s`;
    if (s < 3600) return `${Math.floor(s / 60)} m ${s % 60} s`;
    if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} m`;
    return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
  }
  const now = () => Date.now() + skew;
  const ago = (unix) => span(now() / 1000 - unix);
  const clock = (t) => new Date(t).toLocaleTimeString("en-GB");

  function look(shard) {
    const slow = shard.state === "ready" && shard.latency > slowLatency;
    return looks[slow ? "slow" : shard.state] || looks.idle;
  }

  // spark draws values as a line. An empty one says so to those who listen.
  function spark(values, label) {
    const width = 100, height = 28;
    const svg = el("svg:svg", {class: "spark", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none",
      role: "img", "aria-label": label});
    if (values.length < 2) return svg;
    // What changes should be seen, and what hardly does should not look wild: the line has between
    // a third and a half of the height, above the rest of the way down to 0.
    const high = Math.max(...values), low = Math.min(...values), spread = Math.max(high - low, high * .15, 1e-9);
    const bottom = Math.max(0, low - spread), top = high + spread * .4;
    const points = values.map((v, i) => `${(i * width / (values.length - 1)).toFixed(2)},` +
      (height - 1 - (v - bottom) / (top - bottom) * (height - 2)).toFixed(2));
    svg.append(
      el("svg:path", {class: "area", d: `M0,${height} L${points.join(" L")} L${width},${height} Z`}),
      el("svg:path", {class: "line", d: "M" + points.join(" L")}));
    return svg;
  }

  function sparkLabel(what, history, values, unit) {
    if (values.length < 2) return `${what}: no history yet`;
    const minutes = Math.max(1, Math.round(values.length * history.step / 60));
    const low = Math.min(...values), high = Math.max(...values);
    return `${what} over the last ${count(minutes, "minute")}: between ${rate(low)} and ${rate(high)} ${unit}`;
  }

  function card(label, figure, unit, foot) {
    const node = el("div", {class: "card"}, el("span", {class: "label"}, label),
      el("span", {class: "figure"}, figure, unit ? el("small", {}, " " + unit) : null));
    node.append(typeof foot === "string" ? el("span", {class: "foot"}, foot) : foot);
    return node;
  }

  function drawCards() {
    const t = page.totals, h = page.history;
    const [memory, unit] = bytes(t.memory);
    const all = page.shard_count > t.shards ? `this process has ${t.shards} of ${page.shard_count}`
      : t.ready === t.shards ? "all ready" : `${count(t.shards - t.ready, "shard")} not ready`;
    $("cards").replaceChildren(
      card("Shards ready", number.format(t.ready), "of " + number.format(t.shards), all),
      card("Servers", number.format(t.guilds), "",
        t.unavailable ? `${number.format(t.unavailable)} unavailable` : "all available"),
      card("Events", rate(t.rate), "/ s",
        spark(h.rate, sparkLabel("Events per second", h, h.rate, "a second"))),
      card("Latency", t.latency > 0 ? number.format(Math.round(t.latency)) : "–", "ms",
        spark(h.latency, sparkLabel("Latency", h, h.latency, "ms"))),
      card("Memory", memory, unit, count(t.goroutines, "goroutine")),
      card("Uptime", span((now() - Date.parse(page.started)) / 1000), "",
        `${number.format(t.events)} events`));
  }

  const headlines = {
    healthy: ["✓", "Everything is running"],
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
    if (bad.length) sub = bad.map((c) => `${c.name}: ${c.message.split("\n")[0]}`).join("\n");
    else if (down === 0 && page.totals.shards > 0) sub = `${count(page.totals.shards, "shard")} ready, no problem found`;
    attr($("banner"), "data-status", page.status);
    text($("banner-mark"), mark);
    text($("headline"), words);
    text($("headline-sub"), sub);
    text($("name"), page.name);
    text($("version"), page.version);
    const many = page.processes.length > 1;
    text($("subtitle"), many ? `Status of ${page.processes.length} processes` : `Status · ${page.processes[0]?.name || ""}`);
    const title = `${page.status === "healthy" ? "" : mark + " "}${page.name} · status`;
    if (document.title !== title) document.title = title;
  }

  function describe(shard) {
    const parts = [`Shard ${shard.id}`, look(shard)[2].toLowerCase()];
    if (shard.state === "ready") {
      if (shard.latency > 0) parts.push(`latency ${ms(shard.latency)}`);
      parts.push(count(shard.guilds, "server"), `${rate(shard.rate)} events per second`);
    }
    if (shard.unavailable) parts.push(`${count(shard.unavailable, "server")} unavailable`);
    if (shard.silent) parts.push("silent for minutes");
    return parts.join(", ");
  }

  function drawTile(shard, size) {
    let tile = tiles.get(shard.id);
    if (!tile) {
      tile = el("button", {type: "button", class: "tile", "data-shard": shard.id, tabindex: "-1"},
        el("span", {}), el("small", {}));
      tiles.set(shard.id, tile);
    }
    const [kind, mark, words] = look(shard);
    attr(tile, "data-look", kind);
    attr(tile, "data-silent", shard.silent ? "" : null);
    attr(tile, "aria-label", describe(shard));
    const ready = shard.state === "ready";
    if (size === "wide") {
      text(tile.firstChild, `Shard ${shard.id}`);
      text(tile.lastChild, ready ? `${ms(shard.latency)} · ${count(shard.guilds, "server")} · ${rate(shard.rate)}/s` : words);
      return tile;
    }
    text(tile.firstChild, mark && size === "small" ? `${mark}${shard.id}` : String(shard.id));
    text(tile.lastChild, ready ? `${rate(shard.rate)}/s` : size === "large" ? words : mark);
    return tile;
  }

  // A process keeps its elements for as long as it has the same shards.
  function drawShards() {
    const n = page.totals.shards;
    const size = n <= 4 ? "wide" : n <= 8 ? "large" : n <= 64 ? "medium" : "small";
    const key = JSON.stringify([size, page.processes.map((p) => [p.name, p.shards.map((s) => s.id)])]);
    shards.clear();
    for (const p of page.processes) for (const s of p.shards) shards.set(s.id, s);
    if ($("processes").dataset.key !== key) {
      $("processes").dataset.key = key;
      tiles.clear();
      $("processes").replaceChildren(...page.processes.map((p, i) => {
        const list = el("div", {class: "tiles", "data-size": size, role: "group",
          "aria-label": `Shards of ${p.name}. The arrow keys move, Enter shows one.`});
        list.append(...p.shards.map((s) => drawTile(s, size)));
        return el("section", {class: "process", "aria-label": p.name}, el("h3", {}, el("span", {}, p.name),
          el("span", {id: `process-${i}`})), list);
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
    const items = [];
    for (const entry of Object.values(looks)) {
      if (counts.has(entry)) {
        items.push(el("li", {}, el("span", {class: "key", "data-look": entry[0], "aria-hidden": "true"}, entry[1]),
          `${entry[2]} ${number.format(counts.get(entry))}`));
      }
    }
    const silent = [...shards.values()].filter((s) => s.silent).length;
    if (silent) {
      items.push(el("li", {}, el("span", {class: "key", "data-look": "ready", "data-silent": "", "aria-hidden": "true"}),
        `No event for minutes ${number.format(silent)}`));
    }
    const key = items.map((i) => i.textContent).join();
    if ($("legend").dataset.key === key) return;
    $("legend").dataset.key = key;
    $("legend").replaceChildren(...items);
  }

  function drawHistory(check) {
    const slots = 30, step = 5.2, values = check.history.slice(-slots);
    const counts = {};
    for (const v of values) counts[v] = (counts[v] || 0) + 1;
    const label = values.length ? `The last ${count(values.length, "run")}: ` +
      Object.entries(counts).map(([k, n]) => `${n} ${k}`).join(", ") : "It has not run yet";
    const svg = el("svg:svg", {class: "history", viewBox: `0 0 ${slots * step - 1.2} 20`, preserveAspectRatio: "none",
      role: "img", "aria-label": label});
    for (let i = 0; i < slots; i++) {
      const v = values[i - slots + values.length];
      svg.append(el("svg:rect", {class: v || "", x: (i * step).toFixed(1), y: v ? 0 : 8, width: 4, height: v ? 20 : 4, rx: 1.5}));
    }
    return svg;
  }

  function drawChecks() {
    const checks = page.checks || [];
    $("checks-panel").hidden = checks.length === 0;
    const bad = checks.filter((c) => c.status !== "healthy").length;
    text($("checks-note"), bad ? `${bad} of ${checks.length} not healthy` : `${checks.length} of ${checks.length} healthy`);
    $("checks").replaceChildren(...checks.map((c) => el("li", {},
      el("div", {class: "title"}, el("span", {}, c.name), el("span", {class: "pill", "data-status": c.status}, c.status)),
      drawHistory(c),
      el("div", {class: "message"}, c.message),
      el("div", {class: "value"}, c.limit ? `${c.value} · limit ${c.limit}` : c.value || ""))));
  }

  function drawMeters() {
    const meters = page.meters || [];
    $("meters-panel").hidden = meters.length === 0;
    $("meters").replaceChildren(...meters.map((m) => {
      const used = Math.min(1, Math.max(0, m.used));
      const bar = el("svg:svg", {viewBox: "0 0 100 7", preserveAspectRatio: "none", role: "img",
        "aria-label": `${Math.round(used * 100)} percent`});
      bar.append(el("svg:rect", {"data-level": m.level, width: (used * 100).toFixed(1), height: 7}));
      return el("li", {}, el("div", {class: "row"}, el("span", {}, m.name), el("span", {}, m.text)), bar);
    }));
  }

  function drawAlerts() {
    const alerts = page.alerts || [];
    const list = alerts.map((a) => el("li", {"data-status": a.status}, el("p", {}, a.text),
      el("p", {class: "muted"}, `${a.kind} at `, el("time", {datetime: a.time}, clock(a.time)),
        `, ${span((now() - Date.parse(a.time)) / 1000)} ago`)));
    $("alerts").replaceChildren(...(list.length ? list : [el("li", {"data-status": "healthy"},
      el("p", {}, "No alert since the start"))]));
  }

  function drawTable(id, head, rows) {
    $(id + "-panel").hidden = rows.length === 0;
    $(id).replaceChildren(
      el("thead", {}, el("tr", {}, ...head.map((h) => el("th", {scope: "col"}, h)))),
      el("tbody", {}, ...rows.map((row) => el("tr", {},
        ...row.map((cell, i) => el(i ? "td" : "th", i ? {} : {scope: "row"}, cell))))));
  }

  function draw() {
    skew = Date.parse(page.time) - Date.now();
    drawBanner();
    drawCards();
    drawShards();
    drawChecks();
    drawMeters();
    drawAlerts();
    drawTable("slow", ["Operation", "Runs", "Median", "99 %", "Longest"], (page.slow || []).map((o) =>
      [o.name, number.format(o.count), ms(o.p50), ms(o.p99), ms(o.max)]));
    drawTable("caches", ["Cache", "Entries", "Limit", "Hits"], (page.caches || []).map((c) =>
      [c.name, number.format(c.entries), c.limit ? number.format(c.limit) : "–",
        c.hits >= 0 ? Math.round(c.hits * 100) + " %" : "–"]));
    if (chosen !== null) refreshDetail();
  }

  function facts(pairs) {
    const list = el("dl", {class: "facts"});
    for (const [name, value] of pairs) {
      if (value !== "" && value !== null && value !== undefined) list.append(el("dt", {}, name), el("dd", {}, value));
    }
    return list;
  }

  function shardFacts(s) {
    return [["State", look(s)[2]], ["For", s.since > 0 ? ago(s.since) : ""], ["Latency", ms(s.latency)],
      ["Servers", number.format(s.guilds)], ["Unavailable", s.unavailable ? number.format(s.unavailable) : ""],
      ["Events", `${rate(s.rate)} per second`], ["Silent", s.silent ? "for minutes" : ""]];
  }

  // The tooltip shows what the label says, in columns; it goes with Escape.
  function showTip(tile) {
    const shard = shards.get(Number(tile.dataset.shard));
    if (!shard || $("detail").open) return;
    const tip = $("tip");
    tip.replaceChildren(el("b", {}, `Shard ${shard.id}`), facts([...shardFacts(shard), ["Error", shard.error]]));
    tip.hidden = false;
    const at = tile.getBoundingClientRect(), size = tip.getBoundingClientRect();
    const left = Math.min(Math.max(8, at.left + at.width / 2 - size.width / 2), innerWidth - size.width - 8);
    const above = at.top - size.height - 8;
    tip.style.left = `${left}px`;
    tip.style.top = `${above > 8 ? above : at.bottom + 8}px`;
  }
  const hideTip = () => { $("tip").hidden = true; };

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
    const h = d.history;
    $("detail-title").replaceChildren(`Shard ${d.id}`, el("span", {class: "pill",
      "data-status": d.state === "ready" ? "healthy" : d.state === "fatal" || d.state === "backoff" ? "unhealthy" : "pending"}, d.state));
    const closes = Object.entries(d.closes || {}).map(([code, n]) => `${code === "0" ? "no code" : code} × ${n}`).join(", ");
    $("detail-body").replaceChildren(...[
      d.error ? el("p", {class: "problem"}, d.error) : null,
      facts([...shardFacts(d), ["Events in all", number.format(d.events)], ["Sequence", number.format(d.sequence)],
        ["Session", d.session > 0 ? ago(d.session) : "none"],
        ["Last heartbeat answered", d.last_ack > 0 ? `${ago(d.last_ack)} ago` : "not yet"],
        ...Object.entries(d.counters || {}).map(([name, n]) => [name, number.format(n)]), ["Disconnects", closes || "none"]]),
      el("h3", {}, el("span", {}, "Latency"), el("span", {}, ms(d.latency))),
      spark(h.latency, sparkLabel("Latency", h, h.latency, "ms")),
      el("h3", {}, el("span", {}, "Events per second"), el("span", {}, rate(d.rate))),
      spark(h.rate, sparkLabel("Events per second", h, h.rate, "a second")),
    ].filter(Boolean));
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
    const down = key === "ArrowDown";
    const order = down ? all.slice(i + 1) : all.slice(0, i).reverse();
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

  function listen() {
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

  function live(state, words) {
    attr($("live"), "data-state", state);
    text($("live-text"), words);
  }

  // The browser connects again by itself, unless the server refuses; then we try.
  function connect() {
    const source = new EventSource("events");
    source.onmessage = (e) => {
      page = JSON.parse(e.data);
      live("live", "Live");
      draw();
    };
    source.onerror = () => {
      live("lost", `No connection since ${clock(Date.parse(page.time))}`);
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, 5000);
    };
  }

  listen();
  draw();
  connect();
})();
