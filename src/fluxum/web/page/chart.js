// Candles, with the gaps of all streams of the market as grey bands behind them.

import { decimalsOf, el, interval, put } from "./text.js";

const COLOURS = { up: "#4fc39a", down: "#ff7f8a", text: "#8693a5", line: "#161c26" };

export class Chart {
  constructor(parent) {
    this.legend = parent.appendChild(el("div", "legend"));
    this.what = this.legend.appendChild(el("span"));
    this.grey = this.legend.appendChild(el("span"));
    this.grey.append(el("i"));
    this.gapText = this.grey.appendChild(el("span"));
    this.grey.hidden = true;
    this.gaps = [];
    this.starts = [];
    this.intervalS = 60;
    this.whole = true;
    const lib = window.LightweightCharts;
    this.chart = lib.createChart(parent, {
      autoSize: true,
      layout: { background: { color: "transparent" }, textColor: COLOURS.text, fontSize: 10, attributionLogo: true },
      grid: { vertLines: { color: COLOURS.line }, horzLines: { color: COLOURS.line } },
      timeScale: { timeVisible: true, borderVisible: false, rightOffset: 2, minBarSpacing: 1 },
      rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.16, bottom: 0.06 } },
      handleScroll: { vertTouchDrag: false },
    });
    this.series = this.chart.addSeries(lib.CandlestickSeries, {
      upColor: COLOURS.up, downColor: COLOURS.down, borderVisible: false,
      wickUpColor: COLOURS.up, wickDownColor: COLOURS.down, lastValueVisible: false,
    });
    this.series.attachPrimitive(new Bands(this));
  }

  // The candles and gaps of a market; an interval without a candle stays empty.
  show(market) {
    this.intervalS = market.interval_s || 60;
    const seen = new Map();
    for (const one of market.candles) seen.set(one.start_ns / 1e9, one);
    const times = [...seen.keys()];
    const points = [];
    this.starts = [];
    let decimals = 0;
    const step = this.intervalS;
    for (let at = times[0]; times.length && at <= times[times.length - 1]; at += step) {
      const one = seen.get(at);
      const time = Math.round(at);
      this.starts.push(time);
      if (!one) { points.push({ time }); continue; }
      decimals = Math.max(decimals, decimalsOf(one.close));
      points.push({ time, open: +one.open, high: +one.high, low: +one.low, close: +one.close });
    }
    decimals = Math.min(decimals, 8);
    this.series.applyOptions({ priceFormat: { type: "price", precision: decimals, minMove: 1 / 10 ** decimals } });
    this.gaps = market.gaps;
    this.series.setData(points);
    if (this.whole && points.length) {
      this.whole = false;
      this.chart.timeScale().setVisibleLogicalRange({ from: Math.max(-8, points.length - 60), to: points.length + 2 });
    }
    put(this.what, market.interval_s ? `${interval(step)} candles` : "no candles");
    const open = market.gaps.filter((gap) => gap.until_ns === null).length;
    this.grey.hidden = !market.gaps.length;
    const many = market.gaps.length === 1 ? "gap" : "gaps";
    put(this.gapText, `${market.gaps.length} ${many}${open ? `, ${open} open` : ""}`);
  }

  // Where an instant lies: within its candle, by the part of the interval that has passed.
  x(ns) {
    if (!this.starts.length) return null;
    const scale = this.chart.timeScale();
    const logical = (ns / 1e9 - this.starts[0]) / this.intervalS;
    const whole = Math.floor(logical);
    const left = scale.logicalToCoordinate(whole);
    if (left === null) return null;
    return left + (logical - whole - 0.5) * scale.options().barSpacing;
  }
}

class Bands {
  constructor(chart) { this.chart = chart; this.views = [{ zOrder: () => "bottom", renderer: () => this }]; }
  updateAllViews() {}
  paneViews() { return this.views; }
  draw(target) {
    target.useBitmapCoordinateSpace(({ context, bitmapSize, horizontalPixelRatio: ratio }) => {
      for (const gap of this.chart.gaps) {
        const from = this.chart.x(gap.since_ns);
        const to = gap.until_ns === null ? bitmapSize.width / ratio : this.chart.x(gap.until_ns);
        if (from === null || to === null) continue;
        const width = Math.max(to - from, 3);
        context.fillStyle = gap.repair === "lost" || gap.until_ns === null ? "#8693a55a" : "#8693a530";
        context.fillRect(from * ratio, 0, width * ratio, bitmapSize.height);
      }
    });
  }
}
