"use strict";
// Building blocks: elements, and figures for people.

const $ = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en");
const svgNS = "http://www.w3.org/2000/svg";

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

// What is drawn is changed in place, and only where something has changed: layout would otherwise
// take a browser's time, a screen reader would read everything again every two seconds, and what
// somebody has selected to copy it would be lost.

// text changes the characters that differ, so that a selection around them stays.
function text(node, value) {
  value = String(value ?? "");
  const child = node.firstChild;
  if (!child || child !== node.lastChild || child.nodeType !== Node.TEXT_NODE) {
    if (node.textContent !== value) node.textContent = value;
    return;
  }
  const old = child.data;
  if (old === value) return;
  const most = Math.min(old.length, value.length);
  let start = 0, end = 0;
  while (start < most && old[start] === value[start]) start++;
  while (end < most - start && old[old.length - 1 - end] === value[value.length - 1 - end]) end++;
  child.replaceData(start, old.length - start - end, value.slice(start, value.length - end));
}

function attr(node, name, value) {
  if (value === null || value === undefined || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, value);
  }
}

// list keeps an element for each key, in the order of the items. make makes one, fill updates it.
function list(parent, items, key, make, fill) {
  const known = new Map([...parent.children].map((n) => [n.dataset.key, n]));
  let at = parent.firstElementChild;
  items.forEach((item, i) => {
    const k = String(key(item, i));
    let node = known.get(k);
    known.delete(k);
    if (!node) {
      node = make(item);
      node.dataset.key = k;
    }
    if (node === at) at = at.nextElementSibling;
    else parent.insertBefore(node, at);
    fill(node, item);
  });
  for (const node of known.values()) node.remove();
}

const count = (n, one, many) => `${number.format(n)} ${n === 1 ? one : many || one + "s"}`;
const ms = (v) => (v > 0 ? (v < 10 ? v.toFixed(1) : number.format(Math.round(v))) + " ms" : "–");
const rate = (v) => (v >= 100 ? number.format(Math.round(v)) : v.toFixed(1));
const clock = (t) => new Date(t).toLocaleTimeString("en-GB");

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

// about is a span that changes once a minute, for what need not be exact.
const about = (seconds) => (seconds < 60 ? "less than a minute" : span(Math.floor(seconds / 60) * 60).replace(" 0 s", ""));

// A spark draws values as a line, with the time that it spans below it.
function newSpark() {
  const svg = el("svg:svg", {class: "spark", viewBox: "0 0 100 28", preserveAspectRatio: "none", role: "img"},
    el("svg:path", {class: "area"}), el("svg:path", {class: "line"}));
  return el("div", {class: "sparkbox"}, svg,
    el("div", {class: "scale", "aria-hidden": "true"}, el("span", {}, ""), el("span", {}, "now")));
}

function fillSpark(node, what, history, values, unit) {
  const [svg, scale] = node.children, width = 100, height = 28;
  const known = values.length >= 2, seconds = values.length * history.step;
  const high = Math.max(...values), low = Math.min(...values);
  attr(svg, "aria-label", known
    ? `${what} over the last ${count(Math.max(1, Math.round(seconds / 60)), "minute")}: between ${rate(low)} and ${rate(high)} ${unit}`
    : `${what}: no history yet`);
  attr(scale, "hidden", known ? null : "");
  if (!known) return;
  text(scale.firstChild, seconds < 90 ? `${seconds} s ago` : `${Math.round(seconds / 60)} min ago`);
  // What changes should be seen, and what hardly does should not look wild: the line has between
  // a third and a half of the height, above the rest of the way down to 0.
  const spread = Math.max(high - low, high * .15, 1e-9);
  const bottom = Math.max(0, low - spread), top = high + spread * .4;
  const points = values.map((v, i) => `${(i * width / (values.length - 1)).toFixed(1)},` +
    (height - 1 - (v - bottom) / (top - bottom) * (height - 2)).toFixed(1));
  attr(svg.firstChild, "d", `M0,${height} L${points.join(" L")} L${width},${height} Z`);
  attr(svg.lastChild, "d", "M" + points.join(" L"));
}

// facts lists names and values; those without a value are left out.
const newFacts = () => el("dl", {class: "facts"});
function fillFacts(node, pairs) {
  const shown = pairs.filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const cells = shown.flatMap(([name, value]) => [["dt", name, name], ["dd", name, value]]);
  list(node, cells, ([tag, name]) => tag + name, ([tag]) => el(tag, {}), (cell, [, , words]) => text(cell, words));
}
