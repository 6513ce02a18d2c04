"use strict";
// Places boxes in rows: each below all that it takes from, near them from left to right. An open group is laid out by
// itself first and then stands in its parent's rows as one large box.

const BOX_HEIGHT = 40, LEAST_WIDTH = 76, MOST_WIDTH = 210, LETTER = 7.4;
const GAP_ACROSS = 22, GAP_DOWN = 34, INSIDE = 14, HEADING = 26;

function boxWidth(box) {
  const letters = Math.max(box.name.length + (box.kind === "group" ? 2 : 0), (box.shape || "").length * 0.85);
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
  return { rank, before, after };
}

function rowsOf(children, edges) {
  const { rank, before, after } = ranksOf(children, edges);
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

// { width, height, spots: Map box -> {x, y, width, height} }, relative to the group's own corner.
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
  const rows = rowsOf(children, graph.edges.get(group) || []);
  const across = (row) => row.reduce((sum, child) => sum + sizes.get(child).width + GAP_ACROSS, -GAP_ACROSS);
  const width = Math.max(0, ...rows.map(across));
  const spots = new Map();
  let y = 0;
  for (const row of rows) {
    const height = Math.max(...row.map((child) => sizes.get(child).height));
    let x = (width - across(row)) / 2;
    for (const child of row) {
      const size = sizes.get(child), top = y + (height - size.height) / 2;
      spots.set(child, { x, y: top, ...size });
      if (inner.has(child)) {
        const laid = inner.get(child), left = x + (size.width - laid.width) / 2;
        for (const [box, spot] of laid.spots) spots.set(box, { ...spot, x: spot.x + left, y: spot.y + top + HEADING + INSIDE });
      }
      x += size.width + GAP_ACROSS;
    }
    y += height + GAP_DOWN;
  }
  return { width, height: Math.max(0, y - GAP_DOWN), spots };
}
