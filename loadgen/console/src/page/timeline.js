// Draws the last minute on a canvas: who led, what was answered per second, how long answers took.
// What the picture shows, the list of events and the table say in words.
"use strict";

const Timeline = (() => {
  const SPAN_MS = 60_000;
  const LANES = 3;
  const LANE_HEIGHT = 20;
  const LEFT = 58;
  const RIGHT = 10;
  const STRIP = 24;
  const GAP = 16;
  const AXIS = 24;
  const FLOOR_US = 100;
  const OPS = [
    { name: "query", dash: [], width: 2.5 },
    { name: "trade", dash: [7, 4], width: 2.5 },
    { name: "lookup", dash: [2, 4], width: 1.2 },
  ];

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const named = (name) => style.getPropertyValue(`--${name}`).trim();
    return Object.fromEntries(
      ["ink", "quiet", "line", "card", "query", "trade", "lookup", "leads", "leads-soft", "gone"]
        .map((name) => [name, named(name)]));
  }

  // Rounds a rate up to 1, 2 or 5 times a power of ten, so that the axis does not twitch.
  function roundUp(value) {
    const power = 10 ** Math.floor(Math.log10(Math.max(value, 10)));
    return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= value);
  }

  function latency(us) {
    if (us === null || us === undefined) return "–";
    if (us < 1000) return `${us} µs`;
    if (us < 10_000) return `${(us / 1000).toFixed(1)} ms`;
    if (us < 1_000_000) return `${Math.round(us / 1000)} ms`;
    return `${(us / 1e6).toFixed(1)} s`;
  }

  function draw(canvas, state, buckets) {
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    const density = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * density) || canvas.height !== Math.round(height * density)) {
      canvas.width = Math.round(width * density);
      canvas.height = Math.round(height * density);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(density, 0, 0, density, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = '14px "DejaVu Sans", Verdana, system-ui, sans-serif';
    pen.textBaseline = "middle";

    const end = state.now_ms;
    const x = (ms) => LEFT + ((ms - (end - SPAN_MS)) / SPAN_MS) * (width - LEFT - RIGHT);
    const ops = OPS.filter((op) => state.system.operations[op.name] !== null);
    const look = { pen, x, width, end, ops, colour: colours(), bucketMs: state.bucket_ms };
    const top = LANES * LANE_HEIGHT + 4;
    const plots = top + STRIP + GAP;
    const plot = (height - plots - AXIS - GAP) / 2;
    const rate = { top: plots, bottom: plots + plot };
    const time = { top: plots + plot + GAP, bottom: plots + 2 * plot + GAP };

    drawReigns(look, state, top);
    drawRates(look, buckets, rate);
    drawLatencies(look, buckets, time);
    drawSeconds(look, time.bottom);
    drawMarks(look, state.marks, top, time.bottom);
    drawLost(look, buckets, rate.bottom);
  }

  // Who led: a bar per reign; where there is none, nobody did.
  function drawReigns({ pen, x, width, end, colour }, { reigns, replicas }, top) {
    pen.fillStyle = colour.gone;
    const begun = Math.max(x(0), LEFT);
    pen.fillRect(begun, top, width - RIGHT - begun, STRIP);
    for (const reign of reigns) {
      const from = Math.max(x(reign.from_us / 1000), LEFT);
      const until = reign.until_us === null ? x(end) : x(reign.until_us / 1000);
      if (until <= LEFT) continue;
      pen.fillStyle = colour["leads-soft"];
      pen.fillRect(from, top, until - from, STRIP);
      pen.strokeStyle = colour.leads;
      pen.lineWidth = 2;
      pen.setLineDash([]);
      pen.strokeRect(from + 1, top + 1, Math.max(until - from - 2, 0.5), STRIP - 2);
      const name = replicas[reign.id - 1];
      if (until - from > pen.measureText(name).width + 20) {
        pen.fillStyle = colour.ink;
        pen.textAlign = "left";
        pen.fillText(name, from + 12, top + STRIP / 2 + 1);
      }
    }
    axisLabel(pen, colour, "leader", top + STRIP / 2);
  }

  function axisLabel(pen, colour, text, y) {
    pen.fillStyle = colour.quiet;
    pen.textAlign = "right";
    pen.fillText(text, LEFT - 7, y);
  }

  function gridLine({ pen, width, colour }, y, text) {
    pen.strokeStyle = colour.line;
    pen.lineWidth = 1;
    pen.setLineDash([]);
    pen.beginPath();
    pen.moveTo(LEFT, y);
    pen.lineTo(width - RIGHT, y);
    pen.stroke();
    axisLabel(pen, colour, text, y);
  }

  function drawRates(look, buckets, { top, bottom }) {
    const perSecond = 1000 / look.bucketMs;
    const most = Math.max(...buckets.flatMap((bucket) => look.ops.map((op) => bucket[op.name].answered)), 0);
    const full = roundUp(most * perSecond);
    const y = (rate) => bottom - (rate / full) * (bottom - top);
    gridLine(look, y(0), "0/s");
    gridLine(look, y(full / 2), `${full / 2}`);
    gridLine(look, y(full), `${full}/s`);
    for (const op of look.ops) {
      line(look, op, buckets, (bucket) => y(bucket[op.name].answered * perSecond));
    }
  }

  function drawLatencies(look, buckets, { top, bottom }) {
    const slowest = Math.max(...buckets.flatMap((bucket) => look.ops.map((op) => bucket[op.name].max_us ?? 0)), 10_000);
    const decades = Math.ceil(Math.log10(slowest / FLOOR_US));
    const y = (us) => bottom - (Math.log10(Math.max(us, FLOOR_US) / FLOOR_US) / decades) * (bottom - top);
    for (let decade = 0; decade <= decades; decade += 1) {
      const us = FLOOR_US * 10 ** decade;
      gridLine(look, y(us), latency(us).replace(".0", ""));
    }
    for (const op of look.ops) {
      line(look, op, buckets, (bucket) => {
        const { p50_us: p50 } = bucket[op.name];
        return p50 === null ? null : y(p50);
      });
      for (const bucket of buckets) {
        const { max_us: max, p50_us: p50 } = bucket[op.name];
        if (max !== null && max > 2 * p50) point(look, op.name, middle(look, bucket), y(max));
      }
    }
  }

  const middle = ({ x, bucketMs }, bucket) => x((bucket.number + 0.5) * bucketMs);

  // A line through the buckets that have a value; a gap elsewhere.
  function line(look, op, buckets, y) {
    const { pen, colour } = look;
    pen.strokeStyle = colour[op.name];
    pen.lineWidth = op.width;
    pen.setLineDash(op.dash);
    pen.beginPath();
    let drawing = false;
    for (const bucket of buckets) {
      const at = middle(look, bucket);
      const value = y(bucket);
      if (value === null || at < LEFT) {
        drawing = false;
      } else if (drawing) {
        pen.lineTo(at, value);
      } else {
        pen.moveTo(at, value);
        drawing = true;
      }
    }
    pen.stroke();
    pen.setLineDash([]);
  }

  // The shapes of the project's charts: a disc for a query, a triangle for a trade, a plus for a lookup.
  function point({ pen, colour }, name, x, y) {
    if (x < LEFT) return;
    pen.fillStyle = colour[name];
    pen.strokeStyle = colour[name];
    pen.lineWidth = 2;
    pen.beginPath();
    if (name === "query") {
      pen.arc(x, y, 3, 0, 2 * Math.PI);
      pen.fill();
    } else if (name === "trade") {
      pen.moveTo(x, y - 5);
      pen.lineTo(x + 5, y + 4);
      pen.lineTo(x - 5, y + 4);
      pen.fill();
    } else {
      pen.moveTo(x - 4, y);
      pen.lineTo(x + 4, y);
      pen.moveTo(x, y - 4);
      pen.lineTo(x, y + 4);
      pen.stroke();
    }
  }

  function drawSeconds({ pen, x, end, colour, width }, bottom) {
    pen.fillStyle = colour.quiet;
    pen.textAlign = "center";
    const step = width < 600 ? 20 : 10;
    for (let ago = step; ago < 60; ago += step) {
      pen.fillText(`${ago} s ago`, x(end - ago * 1000), bottom + 14);
    }
    pen.textAlign = "right";
    pen.fillText("now", width - RIGHT, bottom + 14);
  }

  function drawLost(look, buckets, bottom) {
    const { pen, colour } = look;
    for (const bucket of buckets) {
      const at = middle(look, bucket);
      if (bucket.failed + bucket.unknown === 0 || at < LEFT) continue;
      pen.strokeStyle = colour.ink;
      pen.lineWidth = 2.5;
      pen.beginPath();
      for (const [dx, dy] of [[5, 5], [5, -5]]) {
        pen.moveTo(at - dx, bottom - 8 - dy);
        pen.lineTo(at + dx, bottom - 8 + dy);
      }
      pen.stroke();
    }
  }

  // Faults and leaders: a line through everything and a sign. A leader's sign is on the strip, which
  // names it; other marks have their words above, where they fit.
  function drawMarks({ pen, x, width, colour }, marks, top, bottom) {
    const taken = Array.from({ length: LANES }, () => []);
    const signs = marks.filter(({ kind }) => kind === "fault" || kind === "mended");
    taken[0] = signs.map((mark) => [x(mark.at_ms) - 7, x(mark.at_ms) + 7]);
    for (const mark of marks) {
      const at = x(mark.at_ms);
      if (at < LEFT) continue;
      const leads = mark.kind === "leader";
      pen.strokeStyle = leads ? colour.leads : colour.ink;
      pen.lineWidth = mark.kind === "fault" ? 2 : 1;
      pen.setLineDash(leads || mark.kind === "fault" ? [] : [3, 3]);
      pen.beginPath();
      pen.moveTo(at, top);
      pen.lineTo(at, bottom);
      pen.stroke();
      pen.setLineDash([]);
      if (!leads) label(pen, colour, mark.label, at, top, width, taken);
    }
    for (const mark of marks) {
      const at = x(mark.at_ms);
      if (at >= LEFT) sign(pen, colour, mark.kind, at, mark.kind === "leader" ? top + STRIP - 4 : top - 1);
    }
  }

  // To the right of its sign, or to the left near the edge, in the lowest lane that is free there.
  function label(pen, colour, text, at, top, width, taken) {
    const wide = pen.measureText(text).width;
    const from = at + 9 + wide <= width - RIGHT ? at + 9 : at - 9 - wide;
    const lane = taken.findIndex((spans) =>
      spans.every(([begin, end]) => end <= from || begin >= from + wide));
    if (lane < 0 || from < LEFT) return;
    taken[lane].push([from - 10, from + wide + 10]);
    pen.textAlign = "left";
    pen.fillStyle = colour.ink;
    pen.fillText(text, from, top - 9 - lane * LANE_HEIGHT);
  }

  function sign(pen, colour, kind, x, y) {
    pen.beginPath();
    if (kind === "leader") {
      pen.moveTo(x, y - 16);
      pen.lineTo(x + 8, y - 8);
      pen.lineTo(x, y);
      pen.lineTo(x - 8, y - 8);
      pen.closePath();
      pen.fillStyle = colour.leads;
      pen.fill();
    } else if (kind === "fault" || kind === "mended") {
      pen.moveTo(x - 6, y - 11);
      pen.lineTo(x + 6, y - 11);
      pen.lineTo(x, y);
      pen.closePath();
      pen.fillStyle = kind === "fault" ? colour.ink : colour.card;
      pen.fill();
    }
    pen.strokeStyle = colour.ink;
    pen.lineWidth = 1.5;
    if (kind !== "setting") pen.stroke();
  }

  return { draw, latency };
})();
