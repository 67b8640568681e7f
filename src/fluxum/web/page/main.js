// The socket, what is shown, and the state "the page lost the server".

import { Market } from "./market.js";
import { Accounts, Consolidated, Log, Venues } from "./panels.js";
import { age, clock, count, day, el, put } from "./text.js";

const SILENT_MS = 1500, RETRY_MS = 1000, SHOWN = window.innerWidth < 620 ? 2 : 4, DEPTH = 10;
const $ = (id) => document.getElementById(id);
const venues = new Venues($("venues").querySelector(".body"));
const log = new Log($("log"), $("logcount"));
const accounts = new Accounts($("accounts"));
const consolidated = new Consolidated($("consolidated"));
const markets = new Map();
let keys = [], shown = [], socket = null, epoch = null;
let heard = 0, farewell = "", latest = null, painted = 0, rate = [], isWinding = false;

async function begin() {
  const token = location.hash.slice(1);
  if (token) {
    history.replaceState(null, "", location.pathname);  // the token stays in no history
    const answer = await fetch("/login", { method: "POST", body: JSON.stringify({ token }) }).catch(() => null);
    if (answer && !answer.ok) { alarm("The token is wrong: open the page by the URL that the server printed."); return; }
  }
  connect();
  setInterval(watch, 250);
}

function connect() {
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
  socket.onmessage = (message) => take(JSON.parse(message.data));
  socket.onclose = async () => {
    socket = null;
    const answer = await fetch("/api/losses?after=9007199254740991").catch(() => null);
    if (answer && answer.status === 403) farewell = "it does not know this page: open the URL that it printed";
    else if (answer && answer.status === 200 && !heard) farewell = "it has no room for this page";
    watch();
    setTimeout(connect, RETRY_MS);
  };
}

function take(message) {
  heard = performance.now();
  switch (message.kind) {
    case "hello": hello(message); break;
    case "loss":
      log.add(message.losses, message.seen);
      for (const one of message.losses)
        if (one.kind === "desync") markets.get(`${one.venue} ${one.symbol}`)?.hit(one.text.replace(/^[^:]*: /, ""));
      break;
    case "candles": { const one = markets.get(keyOf(message.market)); if (one) one.chart.show(message.market); break; }
    case "view":
      rate.push(heard);
      if (!latest) requestAnimationFrame(paint);
      latest = message;
      break;
    case "bye": farewell = message.reason; break;
    default: break;
  }
}

function hello(message) {
  farewell = "";
  put($("version"), `Fluxum ${message.fluxum}`);
  if (epoch !== null || message.epoch === 0) log.clear();
  epoch = message.epoch;
  keys = message.markets;
  shown = shown.filter((key) => keys.includes(key));
  if (!shown.length) shown = keys.slice(0, SHOWN);
  for (const key of [...markets.keys()]) drop(key);
  $("replay").hidden = !message.is_replay;
  document.querySelector(".replaykeys").hidden = !message.is_replay;
  choose();
}

function choose() {
  for (const key of [...markets.keys()]) if (!shown.includes(key)) drop(key);
  for (const key of keys) {
    if (!shown.includes(key) || markets.has(key)) continue;
    const made = new Market(key, DEPTH);
    markets.set(key, made);
  }
  for (const key of keys) if (markets.has(key)) $("markets").append(markets.get(key).root);
  const isChoice = keys.length > SHOWN;
  $("chips").replaceChildren(...(isChoice ? keys : []).map((key) => {
    const chip = el("button", "", key);
    chip.type = "button";
    chip.setAttribute("aria-pressed", String(shown.includes(key)));
    chip.onclick = () => {
      shown = shown.includes(key) ? shown.filter((one) => one !== key) : [...shown, key];
      choose();
    };
    return chip;
  }));
  if (isChoice) send({ show: shown });
}

function drop(key) {
  markets.get(key).chart.chart.remove();
  markets.get(key).root.remove();
  markets.delete(key);
}

const keyOf = (market) => `${market.venue} ${market.symbol}`;
const send = (wish) => { if (socket && socket.readyState === 1) socket.send(JSON.stringify(wish)); };

function paint() {
  const { view, markets: seen, replay } = latest;
  latest = null;
  document.body.classList.remove("waiting");
  for (const one of seen) { const made = markets.get(keyOf(one)); if (made) made.show(one); }
  venues.show(view.venues);
  accounts.show(view.accounts);
  consolidated.show(view.consolidated);
  const missing = view.venues.reduce((sum, one) => sum + one.missing.length, 0);
  put($("ready"), view.is_ready ? "\u2713 ready" : `! not ready, ${missing} missing`);
  $("ready").className = `pill ${view.is_ready ? "good" : "warn"}`;
  put($("sums"), view.sums_close ? "\u2713 sums close" : "\u2715 SUMS DO NOT CLOSE");
  $("sums").className = view.sums_close ? "fact" : "fact bad";
  put($("clock"), `${day(view.at_ns)} ${clock(view.at_ns)} UTC`);
  if (replay) showReplay(replay);
  painted += 1;
  document.documentElement.dataset.painted = painted;
}

// Old figures must not look alive.
function watch() {
  const now = performance.now();
  rate = rate.filter((at) => now - at < 2000);
  put($("rate"), rate.length ? `${(rate.length / 2).toFixed(0)} views/s` : "");
  if (!heard && !farewell) return;
  const silent = now - heard;
  const isLost = !socket || socket.readyState !== 1 || silent > SILENT_MS || farewell !== "";
  document.body.classList.toggle("lost", isLost);
  if (!isLost) { $("alarm").hidden = true; return; }
  const when = heard ? ` The figures below are old: the last came ${age(silent / 1000)}.` : "";
  alarm(`\u2715 The page lost the server${farewell ? ` (${farewell})` : ""}.${when} Trying again.`);
}

function alarm(text) {
  $("alarm").hidden = false;
  put($("alarm"), text);
}

// A recording

function showReplay(replay) {
  const length = replay.end_ns - replay.start_ns || 1;
  if (!isWinding) $("seek").value = String(Math.round(((replay.at_ns - replay.start_ns) / length) * 1000));
  const state = replay.damage ? `ends early: ${replay.damage}` : replay.is_winding ? "winding" : replay.is_over ? "the end" : "";
  put($("place"), `${clock(replay.at_ns, true)} of ${clock(replay.end_ns)} ${state}`.trimEnd());
  put($("play"), replay.is_playing ? "\u275a\u275a" : "\u25b6");
  $("play").setAttribute("aria-label", replay.is_playing ? "Pause" : "Play");
  $("play").dataset.playing = replay.is_playing;
  if (document.activeElement !== $("speed")) $("speed").value = String(replay.speed);
}

const toggle = () => send({ replay: { play: $("play").dataset.playing !== "true" } });
const wind = (part) => send({ replay: { seek: Math.min(1, Math.max(0, part)) } });
$("play").onclick = toggle;
$("seek").oninput = () => { isWinding = true; };
$("seek").onchange = () => { isWinding = false; wind($("seek").value / 1000); };
$("speed").onchange = () => send({ replay: { speed: +$("speed").value } });

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|BUTTON)$/.test(event.target.tagName)) return;
  const place = "123456789".indexOf(event.key);
  if (place >= 0) { [...markets.values()][place]?.root.focus(); return; }
  if (event.key === "l") { $("log").focus(); return; }
  if ($("replay").hidden) return;
  const speeds = [...$("speed").options].map((one) => one.value);
  const at = speeds.indexOf($("speed").value);
  const steps = { "[": speeds[Math.max(0, at - 1)], "]": speeds[Math.min(speeds.length - 1, at + 1)] };
  if (event.key === " ") { event.preventDefault(); toggle(); }
  else if (event.key === "ArrowLeft") wind($("seek").value / 1000 - 0.02);
  else if (event.key === "ArrowRight") wind($("seek").value / 1000 + 0.02);
  else if (steps[event.key]) send({ replay: { speed: +steps[event.key] } });
});

begin();
