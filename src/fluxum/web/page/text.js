// Numbers stay the text that the server sent: nothing here rounds money.

const FIGURE = "\u2007";  // as wide as a digit

export function el(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function mark(node, className) {
  if (node.className !== className) node.className = className;
}

export const decimalsOf = (text) => (text.includes(".") ? text.length - text.indexOf(".") - 1 : 0);

// The same text with figure spaces behind it, so that decimal points stand in one column.
export function aligned(text, decimals) {
  const own = decimalsOf(text);
  if (own >= decimals) return text;
  return text + FIGURE.repeat(decimals - own + (own ? 0 : 1));
}

// The sum of decimals as text, exact.
export function summed(texts) {
  const decimals = Math.max(0, ...texts.map(decimalsOf));
  let total = 0n;
  return texts.map((text) => {
    const [whole, part = ""] = text.split(".");
    total += BigInt(whole + part.padEnd(decimals, "0"));
    if (!decimals) return String(total);
    const digits = String(total).padStart(decimals + 1, "0");
    return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
  });
}

// Without the zeros at the end of the decimals.
export const trimmed = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

// At most so many decimals, with a sign that more follow: cut, not rounded.
export function cut(text, decimals = 6) {
  const plain = trimmed(text);
  return decimalsOf(plain) <= decimals ? plain : `${plain.slice(0, plain.indexOf(".") + 1 + decimals)}\u2026`;
}

export const count = (number) => number.toLocaleString("en-US");

export function clock(ns, withMillis = false) {
  const text = new Date(ns / 1e6).toISOString();
  return withMillis ? text.slice(11, 23) : text.slice(11, 19);
}

export function day(ns) {
  return new Date(ns / 1e6).toISOString().slice(0, 10);
}

export function age(seconds) {
  if (seconds === null) return "never";
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s ago`;
  if (seconds < 120) return `${Math.round(seconds)} s ago`;
  return `${Math.round(seconds / 60)} min ago`;
}

export function duration(ns) {
  if (ns === null) return "\u2013";
  if (ns < 1e6) return `${Math.round(ns / 1e3)} \u00b5s`;
  if (ns < 1e9) return `${(ns / 1e6).toFixed(ns < 1e7 ? 1 : 0)} ms`;
  return `${(ns / 1e9).toFixed(1)} s`;
}

export function interval(seconds) {
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["m", 60]])
    if (seconds % size === 0) return `${seconds / size}${unit}`;
  return `${seconds}s`;
}
