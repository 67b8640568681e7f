// The side: links, log, account, consolidated books.

import { clock, count, cut, duration, el, put, trimmed } from "./text.js";

const SEVERITIES = { loss: "\u2715", recovery: "\u2713", notice: "\u00b7" };
const LOG_KEPT = 200;
const GOOD = new Set(["ready"]), BAD = new Set(["failed", "closed", "disconnected"]);

export class Venues {
  constructor(root) { this.root = root; this.made = new Map(); }

  show(venues) {
    for (const venue of venues) {
      let card = this.made.get(venue.venue);
      if (!card) this.made.set(venue.venue, (card = this.make(venue.venue)));
      card(venue);
    }
    for (const [name, card] of this.made)
      if (!venues.some((one) => one.venue === name)) { card.root.remove(); this.made.delete(name); }
  }

  make(name) {
    const root = this.root.appendChild(el("div", "venue"));
    const title = root.appendChild(el("h3", "", name));
    const pill = title.appendChild(el("span", "pill"));
    const why = root.appendChild(el("p", "why"));
    const links = root.appendChild(el("p", "links"));
    const list = root.appendChild(el("dl"));
    const values = ["gaps", "desyncs", "reconnects", "lag p50", "lag p99", "own p99"].map((term) => {
      const pair = list.appendChild(el("div"));
      pair.append(el("dt", "", term));
      return pair.appendChild(el("dd"));
    });
    list.title = "lag: from the venue's clock to the receipt; own: from the receipt to the readers";
    const sum = root.appendChild(el("p", "sum"));
    const card = (one) => {
      const state = one.state === "ready" && !one.is_ready ? "not ready" : one.state;
      put(pill, state);
      pill.className = `pill ${GOOD.has(state) ? "good" : BAD.has(state) ? "bad" : "warn"}`;
      const reasons = one.missing.slice(0, 4);
      if (one.missing.length > 4) reasons.push(`and ${one.missing.length - 4} more`);
      why.hidden = !reasons.length;
      put(why, reasons.length ? `! missing: ${reasons.join("; ")}` : "");
      const down = one.links.filter((link) => !link.is_connected).length;
      put(links, one.links.map((link) =>
        `${link.is_connected ? "\u25cf" : "\u25cb"} ${link.name}: ${link.subscriptions} streams`).join("   ") || "\u25cb no link");
      links.classList.toggle("off", down > 0);
      const open = one.gaps_open ? ` (${one.gaps_open} open)` : "";
      [count(one.gaps) + open, count(one.desyncs), count(one.reconnects), duration(one.lag.p50_ns),
        duration(one.lag.p99_ns), duration(one.own_lag.p99_ns)].forEach((text, place) => put(values[place], text));
      put(sum, `${one.sums_close ? "\u2713" : "\u2715 sums do not close:"} ${count(one.frames)} frames = ` +
        `${count(one.data)} data + ${count(one.control)} control + ${count(one.rejected)} rejected`);
      sum.className = one.sums_close ? "sum" : "sum bad";
    };
    card.root = root;
    return card;
  }
}

// Numbered lines, newest first; numbers that never came are shown as a hole.
export class Log {
  constructor(root, counter) { this.root = root; this.counter = counter; this.clear(); }

  clear() {
    this.number = 0;
    this.unseen = 0;
    this.root.replaceChildren(el("li", "none", "nothing was lost"));
    put(this.counter, "");
  }

  add(lines, seen) {
    if (!this.number && lines.length) this.root.replaceChildren();
    for (const line of lines) {
      if (line.number <= this.number) continue;
      this.skip(line.number - 1);
      this.number = line.number;
      const row = el("li", line.severity);
      row.append(el("time", "", clock(line.at_ns)), el("span", "sign", SEVERITIES[line.severity] ?? "\u00b7"));
      const text = row.appendChild(el("span"));
      text.append(el("em", "", `${line.venue} `), document.createTextNode(line.text));
      text.title = line.text;
      row.firstChild.title = `number ${line.number}, ${line.severity}, ${line.kind}`;
      this.root.prepend(row);
    }
    this.skip(seen);
    while (this.root.childElementCount > LOG_KEPT) this.root.lastElementChild.remove();
    put(this.counter, `${count(seen)} lines${this.unseen ? `, ${count(this.unseen)} not shown` : ""}`);
  }

  skip(upTo) {
    const missing = upTo - this.number;
    if (missing <= 0) return;
    this.number = upTo;
    this.unseen += missing;
    this.root.prepend(el("li", "hole", `${count(missing)} lines came before this page could show them`));
  }
}

export class Accounts {
  constructor(panel) { this.panel = panel; this.body = panel.querySelector(".body"); this.before = ""; }

  show(accounts) {
    this.panel.hidden = !accounts.length;
    const now = JSON.stringify(accounts);
    if (now === this.before) return;
    this.before = now;
    this.body.replaceChildren(...accounts.flatMap(({ venue, positions, balances }) => [
      el("h3", "", venue),
      ...(positions.length ? positions.map(position) : [el("p", "none", "no position")]),
      ...positions.filter((one) => one.note).map((one) => el("p", "note", `${one.symbol}: ${one.note}`)),
      balances.length
        ? table(["asset", "total", "held"], balances.map((one) => [
          one.reason ? `${one.asset} !` : one.asset, trimmed(one.total), trimmed(one.held ?? "\u2013")]))
        : el("p", "none", "no balance"),
    ]));
  }
}

export class Consolidated {
  constructor(panel) { this.panel = panel; this.body = panel.querySelector(".body"); }

  show(books) {
    this.panel.hidden = !books.length;
    this.body.replaceChildren(...books.flatMap((book) => {
      const duo = el("div", "duo");
      for (let place = 0; place < 4; place += 1)
        for (const [side, levels] of [["up", book.bids], ["down", book.asks]]) {
          const cell = duo.appendChild(el("div"));
          const level = levels[place];
          if (!level) continue;
          cell.append(el("span", side, level[0]), el("small", "", level[2].join(" ")));
          cell.title = `${level[1]} at ${level[2].join(", ")}`;
        }
      const crossed = book.spread !== null && book.spread.startsWith("-");
      const title = el("h3", "", `${book.symbol} \u00b7 ${crossed ? "\u2715 crossed by" : "spread"} ${book.spread ?? "\u2013"}`);
      const out = Object.entries(book.removed).map(([venue, why]) => el("p", "note", `! without ${venue}: ${why}`));
      return [title, duo, ...out];
    }));
  }
}

function position(one) {
  const card = el("div", "position");
  const sign = (text) => (text === null ? "" : text.startsWith("-") ? "down" : "up");
  const side = one.quantity.startsWith("-") ? "short" : +one.quantity ? "long" : "flat";
  card.append(el("b", "", `${one.symbol} ${side}`), el("span", "num", trimmed(one.quantity)));
  const pairs = [["average", one.average_price], ["mark", one.mark], ["open", one.unrealised],
    ["realised", one.realised], ["fees", one.fees], ["total", one.total]];
  for (const [name, text] of pairs) {
    const pair = card.appendChild(el("div"));
    const isProfit = name === "open" || name === "total" || name === "realised";
    pair.append(el("span", "", name), el("span", `num ${isProfit ? sign(text) : ""}`, cut(text ?? "unknown")));
    pair.title = `${name} ${text ?? "unknown"}`;
  }
  return card;
}

function table(names, rows) {
  const made = el("table");
  const head = made.createTHead().insertRow();
  for (const name of names) head.append(el("th", "", name));
  const body = made.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const text of row) line.insertCell().textContent = text;
  }
  return made;
}
