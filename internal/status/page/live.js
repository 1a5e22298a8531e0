// The page, and whether it is still true.
//
// What is shown is as old as the last data, whatever the connection says: a bot that was killed or
// stopped answers nothing, and the browser may take minutes to notice. So the page looks at its
// clock, and what is older than staleAfter is grey and says its age.

const staleAfter = 5000; // ms; data comes every 2 s
const reconnectAfter = 15000; // ms; a host that is gone resets no connection

let page = JSON.parse($("page").textContent);
let skew = 0; // of the server's clock to ours, ms
let heard = Date.now(); // when the last data came
let source = null, tried = 0, again = 0;

const now = () => Date.now() + skew;
const ago = (unix) => span(now() / 1000 - unix);

function draw() {
  if (document.hidden) return; // it is drawn when somebody looks
  drawBanner();
  drawCards();
  drawShards();
  drawChecks();
  drawMeters();
  drawAlerts();
  drawTables();
  drawTip();
  if (chosen !== null) refreshDetail();
}

// judge says how old the data is, and whether that is too old.
function judge() {
  const age = Date.now() - heard, stale = age > staleAfter;
  attr(document.body, "data-stale", stale ? "" : null);
  attr($("stale"), "hidden", stale ? null : "");
  drawTitle(stale);
  if (!stale) {
    const open = source && source.readyState === EventSource.OPEN;
    live(open ? "live" : "connecting", open ? "Live" : "Connecting");
    return;
  }
  const time = clock(heard);
  live("lost", `No data for ${span(age / 1000)}`);
  text($("stale-age"), span(age / 1000));
  text($("stale-time"), time);
  if (age > reconnectAfter && Date.now() - tried > reconnectAfter) connect();
}

function live(state, words) {
  attr($("live"), "data-state", state);
  text($("live-text"), words);
}

// The browser connects again by itself, unless the server refuses; then we try.
function connect() {
  clearTimeout(again);
  if (source) source.close();
  tried = Date.now();
  source = new EventSource("events");
  source.onmessage = (e) => {
    const next = JSON.parse(e.data);
    if (next.time === page.time && next.started === page.started) return; // something between us repeats itself
    page = next;
    heard = Date.now();
    skew = Date.parse(page.time) - heard;
    judge();
    draw();
  };
  source.onopen = judge;
  source.onerror = () => {
    judge();
    if (source.readyState === EventSource.CLOSED) again = setTimeout(connect, 2000);
  };
}

skew = Date.parse(page.time) - heard;
listenToShards();
draw();
connect();
setInterval(judge, 1000);
document.addEventListener("visibilitychange", () => { judge(); draw(); });
