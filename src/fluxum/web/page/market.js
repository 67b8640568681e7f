// One market: price, proof, candles, ladder, trades, ticker.

import { Chart } from "./chart.js";
import { age, aligned, clock, count, decimalsOf, el, mark, put, summed } from "./text.js";

const SIGNS = { valid: "\u2713", unverified: "\u2248", stale: "\u29d6", syncing: "\u25cc", desynced: "\u2715" };
const TRADES = 22;

export class Market {
  constructor(key, depth) {
    const [venue, symbol] = split(key);
    this.root = el("article", "market");
    this.root.tabIndex = -1;
    this.root.setAttribute("aria-label", key);
    const head = this.root.appendChild(el("header"));
    const title = head.appendChild(el("h2", "", symbol));
    title.append(el("small", "", venue));
    this.last = head.appendChild(el("span", "last num"));
    this.change = head.appendChild(el("span", "change num"));
    this.proof = this.root.appendChild(el("p", "proof"));
    this.status = this.proof.appendChild(el("b"));
    this.evidence = this.proof.appendChild(el("span"));
    this.chartBox = this.root.appendChild(el("div", "chart"));
    this.chart = new Chart(this.chartBox);
    const both = this.root.appendChild(el("div", "both"));
    this.ladder = new Ladder(both.appendChild(el("div", "ladder book")), depth);
    this.trades = new Trades(both.appendChild(el("ol", "trades")));
    this.ticker = this.root.appendChild(el("div", "ticker"));
    this.facts = ["high", "low", "volume"].map((name) => {
      const part = this.ticker.appendChild(el("span", "", `${name} `));
      return [name, part, part.appendChild(el("span", "num"))];
    });
    this.stale = this.ticker.appendChild(el("span", "note"));
  }

  // A withdrawal may be over before it is painted: it stays readable for a while.
  hit(text) {
    this.hitAt = performance.now();
    this.hitText = text;
  }

  show(market) {
    this.chartBox.hidden = market.interval_s === null;
    this.showTicker(market);
    this.showProof(market);
    this.ladder.show(market);
    this.trades.show(market);
  }

  showTicker({ ticker, trades }) {
    const price = trades.length ? trades[0].price : ticker ? ticker.last : null;
    put(this.last, price ?? "");
    const change = ticker ? ticker.change_percent : null;
    const falls = change !== null && change.startsWith("-");
    put(this.change, change === null ? "" : `${falls ? "\u25bc" : "\u25b2"} ${Math.abs(+change).toFixed(2)}%`);
    mark(this.change, `change num ${change === null ? "" : falls ? "down" : "up"}`);
    this.ticker.hidden = !ticker;
    if (!ticker) return;
    for (const [name, part, value] of this.facts) {
      part.hidden = ticker[name] === null;
      put(value, ticker[name] ?? "");
    }
    put(this.stale, ticker.reason ? `ticker not valid: ${ticker.reason}` : "");
  }

  showProof({ book, failure }) {
    const proof = book ? book.proof : null;
    const status = proof ? proof.status : "syncing";
    mark(this.proof, `proof ${status}`);
    const since = this.hitAt === undefined ? Infinity : performance.now() - this.hitAt;
    const isBad = status === "desynced" || failure || since < 2000;
    mark(this.root, isBad ? "market bad" : "market");
    put(this.status, proof ? `${SIGNS[status]} ${status}` : "\u25cc no book");
    const parts = [];
    if (failure) parts.push(failure);
    if (proof && proof.reason) parts.push(proof.reason);
    if (proof && status === "valid") parts.push(`${count(proof.checks)} ${proof.checks === 1 ? "check" : "checks"}`, age(proof.age_s), `generation ${proof.generation}`);
    else if (proof) parts.push(`generation ${proof.generation}`);
    if (since < 20000 && status === "valid") parts.push(`withdrawn ${age(since / 1000)}: ${this.hitText}`);
    const text = parts.map((part) => ` \u00b7 ${part}`).join("");
    put(this.evidence, text);
    this.proof.title = text;
  }
}

class Ladder {
  constructor(root, depth) {
    this.root = root;
    root.append(heads());
    this.asks = rows(root, "ask", depth);
    const spread = root.appendChild(el("div", "spread"));
    this.mid = spread.appendChild(el("b"));
    this.spread = spread.appendChild(el("span"));
    this.bids = rows(root, "bid", depth);
    this.cover = root.appendChild(el("div", "withdrawn"));
    this.title = this.cover.appendChild(el("strong"));
    this.reason = this.cover.appendChild(el("p"));
  }

  show({ book, failure }) {
    const proof = book ? book.proof : null;
    const isEmpty = !book || (!book.bids.length && !book.asks.length);
    const isBad = (proof && proof.status === "desynced") || Boolean(failure);
    this.cover.hidden = !isEmpty;
    mark(this.cover, isBad ? "withdrawn" : "withdrawn wait");
    mark(this.root, isBad ? "ladder book bad" : "ladder book");
    if (isEmpty) {
      put(this.title, isBad ? (failure ? "\u2715 refused" : "\u2715 book withdrawn") : book ? "\u25cc no levels" : "\u25cc no book");
      put(this.reason, failure || (proof ? proof.reason : ""));
    }
    const asks = book ? book.asks : [], bids = book ? book.bids : [];
    const every = [...asks, ...bids];
    const prices = Math.max(0, ...every.map((one) => decimalsOf(one[0])));
    const quantities = Math.max(0, ...every.map((one) => decimalsOf(one[1])));
    const totals = [summed(asks.map((one) => one[1])), summed(bids.map((one) => one[1]))];
    const most = Math.max(1e-30, ...totals.map((one) => +(one[one.length - 1] ?? 0)));
    widths(this.root, { price: Math.max(5, ...every.map((one) => one[0].length)), total: Math.max(5, ...totals.flat().map((one) => one.length)) });
    fill(this.asks, asks, totals[0], prices, quantities, most);
    fill(this.bids, bids, totals[1], prices, quantities, most);
    put(this.mid, book && book.mid ? `mid ${book.mid}` : "");
    put(this.spread, book && book.spread ? `spread ${book.spread} \u00b7 ${book.spread_bps} bp` : "");
  }
}

class Trades {
  constructor(root) {
    this.root = root;
    root.setAttribute("aria-label", "Trades, newest first");
    const head = root.appendChild(el("li", "heads"));
    for (const name of ["time", "", "price", "quantity"]) head.append(el("span", "", name));
    this.note = root.appendChild(el("li", "note"));
    this.rows = Array.from({ length: TRADES }, () => {
      const row = root.appendChild(el("li"));
      return [row, ...["time", "sign", "price", "quantity"].map((name) => row.appendChild(el(name === "time" ? "time" : "span", name)))];
    });
    this.seen = 0;
  }

  show({ trades, trades_seen: seen }) {
    const fresh = seen - this.seen;
    this.note.hidden = !(this.seen && fresh > trades.length);
    if (!this.note.hidden) put(this.note, `${count(fresh - trades.length)} trades were too fast to show`);
    this.seen = seen;
    const decimals = Math.max(0, ...trades.map((one) => decimalsOf(one.quantity)));
    widths(this.root, { price: Math.max(5, ...trades.map((one) => one.price.length)) });
    this.rows.forEach(([row, time, sign, price, quantity], place) => {
      const trade = trades[place];
      row.hidden = !trade;
      if (!trade) return;
      mark(row, trade.backfilled ? `${trade.side} late` : trade.side);
      put(time, clock(trade.at_ns));
      put(sign, trade.backfilled ? "\u21ba" : trade.side === "buy" ? "\u25b2" : "\u25bc");
      const title = trade.backfilled ? `${trade.side}, backfilled after a gap` : trade.side;
      if (row.title !== title) row.title = title;
      put(price, trade.price);
      put(quantity, aligned(trade.quantity, decimals));
    });
  }
}

export function split(key) {
  const at = key.indexOf(" ");
  return [key.slice(0, at), key.slice(at + 1)];
}

// The widths of columns in characters, so that no digit is cut while others have room.
function widths(root, columns) {
  for (const [name, characters] of Object.entries(columns)) {
    const wanted = `${characters}ch`;
    if (root.style.getPropertyValue(`--${name}`) !== wanted) root.style.setProperty(`--${name}`, wanted);
  }
}

function heads() {
  const row = el("div", "row heads");
  for (const name of ["price", "quantity", "total"]) row.append(el("span", "", name));
  return row;
}

function rows(root, side, depth) {
  const made = Array.from({ length: depth }, () => {
    const row = root.appendChild(el("div", `row ${side}`));
    return [row, row.appendChild(el("span", "price")), row.appendChild(el("span", "quantity")),
      row.appendChild(el("span", "total")), row.appendChild(el("i", "bar"))];
  });
  return side === "ask" ? made.reverse() : made;  // the best ask stands lowest
}

function fill(rows, levels, totals, prices, quantities, most) {
  rows.forEach(([, price, quantity, total, bar], place) => {
    const level = levels[place];
    put(price, level ? aligned(level[0], prices) : "");
    put(quantity, level ? aligned(level[1], quantities) : "");
    put(total, level ? aligned(totals[place], quantities) : "");
    bar.style.transform = `scaleX(${level ? (+totals[place] / most).toFixed(4) : 0})`;
  });
}
