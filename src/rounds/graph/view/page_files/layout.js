"use strict";
// Places boxes in rows: each below all that it takes from, near them from left to right. An open group is laid out by
// itself first and then stands in its parent's rows as one large box. Where an arrow passes a row, or enters or leaves an
// open group, a narrow lane is kept free for it, so that no arrow runs behind a box.

const BOX_HEIGHT = 70, LEAST_WIDTH = 96, MOST_WIDTH = 210, LETTER = 7.4, LANE = 14;
const GAP_ACROSS = 22, GAP_DOWN = 34, INSIDE = 14, HEADING = 26;

function boxWidth(box) {
  const small = Math.max(...["shape", "value", "slope"].map((name) => (box[name] || "").length)) * 0.85;
  const letters = Math.max(box.name.length + (box.kind === "group" ? 2 : 0), small);
  return Math.min(MOST_WIDTH, Math.max(LEAST_WIDTH, letters * LETTER + 22));
}

// Longest way from a start; what only feeds others (weights) moves down beside the first that takes it.
function ranksOf(children, edges) {
  const rank = new Map(children.map((child) => [child, 0]));
  const before = new Map(children.map((child) => [child, []])), after = new Map(children.map((child) => [child, []]));
  for (const [from, to] of edges) { before.get(to).push(from); after.get(from).push(to); }
  const waiting = new Map(children.map((child) => [child, before.get(child).length]));
  const ready = children.filter((child) => waiting.get(child) === 0);
  for (let place = 0; place < ready.length; place += 1) {
    for (const next of after.get(ready[place])) {
      rank.set(next, Math.max(rank.get(next), rank.get(ready[place]) + 1));
      waiting.set(next, waiting.get(next) - 1);
      if (waiting.get(next) === 0) ready.push(next);
    }
  }
  for (const child of children) {
    if (!before.get(child).length && after.get(child).length) {
      rank.set(child, Math.max(0, Math.min(...after.get(child).map((next) => rank.get(next))) - 1));
    }
  }
  return { rank };
}

function rowsOf(children, edges, rank) {
  const before = new Map(children.map((child) => [child, []])), after = new Map(children.map((child) => [child, []]));
  for (const [from, to] of edges) { before.get(to).push(from); after.get(from).push(to); }
  const rows = [];
  for (const child of children) (rows[rank.get(child)] ||= []).push(child);
  const place = new Map();
  const note = () => rows.forEach((row) => row.forEach((child, index) => place.set(child, index - (row.length - 1) / 2)));
  const sort = (row, side) => {
    const key = new Map(row.map((child) => {
      const near = side.get(child);
      return [child, near.length ? near.reduce((sum, other) => sum + place.get(other), 0) / near.length : place.get(child)];
    }));
    row.sort((a, b) => key.get(a) - key.get(b));
  };
  note();
  for (let sweep = 0; sweep < 4; sweep += 1) {
    (sweep % 2 ? [...rows].reverse() : rows).forEach((row) => { sort(row, sweep % 2 ? after : before); note(); });
  }
  return rows;
}

// Lanes as further children: one at the top for each arrow that enters, one at the bottom for each that leaves, and one in
// each row that an arrow passes. ways: of each pair of boxes on the screen, the lanes that its arrow runs through here.
function withLanes(children, edges, entries, exits) {
  const lanes = [], ways = new Map();
  const lane = () => { lanes.push(`lane ${lanes.length}`); return lanes[lanes.length - 1]; };
  const all = edges.map(([from, to, pairs]) => ({ from, to, pairs }));
  for (const [to, pair] of entries) all.push({ from: lane(), to, pairs: [pair], enters: true });
  const { rank } = ranksOf(children, edges);
  for (const edge of all) if (edge.enters) rank.set(edge.from, Math.min(0, rank.get(edge.to) - 1));
  const bottom = Math.max(0, ...rank.values());
  for (const [from, pair] of exits) {
    if (rank.get(from) < bottom) { const last = lane(); rank.set(last, bottom); all.push({ from, to: last, pairs: [pair], leaves: true }); }
  }
  const shift = -Math.min(0, ...rank.values());
  for (const [child, level] of rank) rank.set(child, level + shift);
  const parts = [];
  for (const { from, to, pairs, enters, leaves } of all) {
    const through = enters ? [from] : [];
    let before = from;
    for (let level = rank.get(from) + 1; level < rank.get(to); level += 1) {
      const next = lane();
      rank.set(next, level);
      parts.push([before, next]);
      through.push(next);
      before = next;
    }
    parts.push([before, to]);
    if (leaves) through.push(to);
    if (through.length) for (const pair of pairs) ways.set(pair, through);
  }
  return { lanes, parts, rank, ways };
}

// { width, height, spots: Map box -> {x, y, width, height}, ways: Map pair -> lanes [{x, top, bottom}] }, relative to the group's own corner.
function layOut(group, graph) {
  const children = graph.children.get(group) || [];
  const sizes = new Map(), inner = new Map();
  for (const child of children) {
    if (graph.open.has(child)) {
      const laid = layOut(child, graph);
      inner.set(child, laid);
      sizes.set(child, { width: Math.max(laid.width, boxWidth(graph.boxes[child])) + 2 * INSIDE, height: laid.height + HEADING + 2 * INSIDE });
    } else {
      sizes.set(child, { width: boxWidth(graph.boxes[child]), height: BOX_HEIGHT });
    }
  }
  const { lanes, parts, rank, ways } = withLanes(children, graph.edges.get(group) || [], graph.entries.get(group) || [], graph.exits.get(group) || []);
  for (const lane of lanes) sizes.set(lane, { width: LANE, height: 0 });
  const rows = rowsOf([...children, ...lanes], parts, rank);
  const across = (row) => row.reduce((sum, child) => sum + sizes.get(child).width + GAP_ACROSS, -GAP_ACROSS);
  const width = Math.max(0, ...rows.map(across));
  const spots = new Map(), places = new Map(), passed = new Map();
  let y = 0;
  for (const row of rows) {
    const height = Math.max(...row.map((child) => sizes.get(child).height));
    let x = (width - across(row)) / 2;
    for (const child of row) {
      const size = sizes.get(child), top = y + (height - size.height) / 2;
      if (typeof child === "string") places.set(child, { x: x + LANE / 2, top: y, bottom: y + height });
      else spots.set(child, { x, y: top, ...size });
      if (inner.has(child)) {
        const laid = inner.get(child), left = x + (size.width - laid.width) / 2;
        const down = top + HEADING + INSIDE;
        for (const [box, spot] of laid.spots) spots.set(box, { ...spot, x: spot.x + left, y: spot.y + down });
        for (const [pair, way] of laid.ways) {
          const moved = way.map((one) => ({ x: one.x + left, top: one.top + down, bottom: one.bottom + down }));
          passed.set(pair, [...(passed.get(pair) || []), ...moved]);
        }
      }
      x += size.width + GAP_ACROSS;
    }
    y += height + GAP_DOWN;
  }
  for (const [pair, way] of ways) passed.set(pair, [...(passed.get(pair) || []), ...way.map((lane) => places.get(lane))]);
  for (const way of passed.values()) way.sort((a, b) => a.top - b.top);
  return { width, height: Math.max(0, y - GAP_DOWN), spots, ways: passed };
}
