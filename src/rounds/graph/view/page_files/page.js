const SVG = "http://www.w3.org/2000/svg", MARGIN = 12, HEATS = 7, MOST_OPEN = 600, OPEN_AT_FIRST = 40, SMALL_GROUP = 8;
const { boxes, arrows } = JSON.parse(document.getElementById("graph").textContent);
const children = new Map([[-1, []]]);
boxes.forEach((box, index) => {
  if (!children.has(box.parent)) children.set(box.parent, []);
  children.get(box.parent).push(index);
});
const groups = boxes.flatMap((box, index) => (box.kind === "group" ? [index] : []));
const open = new Set();
const drawing = document.getElementById("drawing"), details = document.getElementById("details");

// The box that stands for another on the screen: itself, or the outermost folded group around it.
function shown(index) {
  let seen = index;
  for (let up = boxes[index].parent; up >= 0; up = boxes[up].parent) if (!open.has(up)) seen = up;
  return seen;
}

function way(index) {
  const found = [];
  for (let up = index; up >= 0; up = boxes[up].parent) found.unshift(up);
  return found;
}

// Arrows between the children of each open group, those that enter and leave it, and those drawn on the screen. A pair
// "A B" names an arrow on the screen.
function edgesNow() {
  const within = new Map(), entries = new Map(), exits = new Map(), drawn = new Map();
  const add = (map, key, item) => { if (!map.has(key)) map.set(key, []); map.get(key).push(item); };
  for (const [from, to] of arrows) {
    const a = shown(from), b = shown(to), pair = `${a} ${b}`;
    if (a === b || drawn.has(pair)) continue;
    drawn.set(pair, [a, b]);
    const upper = way(a), lower = way(b);
    let depth = 0;
    while (depth < upper.length && depth < lower.length && upper[depth] === lower[depth]) depth += 1;
    if (depth >= upper.length || depth >= lower.length) continue;
    const group = depth ? upper[depth - 1] : -1, one = within.get(group)?.find(([p, q]) => p === upper[depth] && q === lower[depth]);
    if (one) one[2].push(pair);
    else add(within, group, [upper[depth], lower[depth], [pair]]);
    for (let level = depth; level < upper.length - 1; level += 1) add(exits, upper[level], [upper[level + 1], pair]);
    for (let level = depth; level < lower.length - 1; level += 1) add(entries, lower[level], [lower[level + 1], pair]);
  }
  return { within, entries, exits, drawn };
}

function element(name, attributes, ...inside) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...inside);
  return made;
}

const sizes = boxes.map((box) => box.gradient).filter((size) => size !== null);
const least = Math.min(...sizes), most = Math.max(...sizes);
const heat = (size) => Math.min(HEATS - 1, Math.floor(((size - least) / (most - least || 1)) * HEATS));

function cut(text, width) {
  const letters = Math.floor((width - 14) / LETTER);
  return text.length <= letters ? text : `${text.slice(0, Math.max(1, letters - 1))}…`;
}

function drawBox(index, spot) {
  const box = boxes[index], colour = box.gradient === null ? "" : ` heat-${heat(box.gradient)}`;
  const middle = spot.x + spot.width / 2, name = box.kind === "group" ? `▸ ${box.name}` : box.name;
  const made = element("g", { class: `box ${box.kind}${colour}`, tabindex: 0, role: box.kind === "group" ? "button" : "img", "data-box": index,
    "aria-label": `${box.kind} ${box.name}${box.kind === "group" ? `, ${box.holds} operations, folded` : ""}` },
  element("rect", { x: spot.x, y: spot.y, width: spot.width, height: spot.height, rx: 5 }),
  element("text", { x: middle, y: spot.y + 17, "text-anchor": "middle" }, cut(name, spot.width)),
  ...["shape", "value", "slope"].map((term, place) =>
    element("text", { x: middle, y: spot.y + 32 + 15 * place, "text-anchor": "middle", class: "small" }, cut(box[term] || "", spot.width * 1.2))));
  if (box.kind === "group") onPress(made, () => toggle(index));
  return made;
}

function drawFrame(index, spot) {
  const heading = element("g", { class: "heading", tabindex: 0, role: "button", "data-box": index, "aria-label": `fold ${boxes[index].name}` },
    element("rect", { x: spot.x, y: spot.y, width: spot.width, height: HEADING, rx: 5 }),
    element("text", { x: spot.x + 10, y: spot.y + 18 }, cut(`▾ ${boxes[index].name}`, spot.width)));
  onPress(heading, () => toggle(index));
  return element("g", { class: "frame" }, element("rect", { x: spot.x, y: spot.y, width: spot.width, height: spot.height, rx: 7 }), heading);
}

function onPress(made, act) {
  made.addEventListener("click", act);
  made.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); act(); }
  });
}

// From box to box through the lanes that are kept free for it.
function curve(from, to, lanes) {
  let x = from.x + from.width / 2, y = from.y + from.height, path = `M${x},${y}`;
  const go = (x2, y2) => {
    const bend = Math.max(10, (y2 - y) / 2);
    path += ` C${x},${y + bend} ${x2},${y2 - bend} ${x2},${y2}`;
    [x, y] = [x2, y2];
  };
  for (const lane of lanes) {
    go(lane.x, lane.top);
    if (lane.bottom > lane.top) { path += ` L${lane.x},${lane.bottom}`; y = lane.bottom; }
  }
  go(to.x + to.width / 2, to.y - 2);
  return path;
}

function draw(focus) {
  const { within, entries, exits, drawn } = edgesNow();
  const { width, height, spots, ways } = layOut(-1, { boxes, children, open, edges: within, entries, exits });
  const svg = element("svg", { width: width + 2 * MARGIN, height: height + 2 * MARGIN,
    viewBox: `${-MARGIN} ${-MARGIN} ${width + 2 * MARGIN} ${height + 2 * MARGIN}`, role: "group", "aria-label": "graph" },
  element("defs", {}, element("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
    element("path", { d: "M0,0 L8,4 L0,8 z" }))));
  for (const [index, spot] of spots) if (open.has(index)) svg.append(drawFrame(index, spot));
  for (const [pair, [from, to]] of drawn) {
    svg.append(element("path", { class: "arrow", d: curve(spots.get(from), spots.get(to), ways.get(pair) || []), "marker-end": "url(#tip)", "data-from": from, "data-to": to }));
  }
  for (const [index, spot] of spots) if (!open.has(index)) svg.append(drawBox(index, spot));
  drawing.replaceChildren(svg);
  if (focus !== undefined) drawing.querySelector(`[data-box="${focus}"]`)?.focus({ preventScroll: true });
}

function toggle(index) {
  if (open.has(index)) open.delete(index); else open.add(index);
  draw(index);
  tell(index);
}

function line(list, term, text) {
  const name = document.createElement("dt"), value = document.createElement("dd");
  name.textContent = term;
  value.textContent = text;
  list.append(name, value);
}

function titled(level, text) {
  const made = document.createElement(level);
  made.textContent = text;
  return made;
}

function tell(index) {
  const box = boxes[index], list = document.createElement("dl"), parts = [titled("h2", box.name)];
  line(list, "kind", box.kind === "group" ? `group of ${box.holds} operations` : box.kind);
  for (const [term, text] of box.details) line(list, term, text);
  parts.push(list);
  if (box.back.length) parts.push(titled("h3", "Backward: incoming × local = gradient"));
  for (const [to, incoming, local, product] of box.back) {
    const one = document.createElement("dl");
    one.className = "way";
    line(one, "to", to);
    line(one, "incoming gradient", incoming);
    line(one, "local gradient", local);
    line(one, "gradient", product);
    parts.push(one);
  }
  details.replaceChildren(...parts);
}

function pointAt(event) {
  const made = event.target.closest?.("[data-box]");
  if (!made) return;
  const index = made.dataset.box;
  tell(Number(index));
  drawing.querySelectorAll(".arrow").forEach((arrow) => {
    arrow.classList.toggle("near", arrow.dataset.from === index || arrow.dataset.to === index);
  });
}

// Boxes whose own name holds the text; neighbours drawn together are named after their first and last.
function find(text) {
  const named = (box) => box.name.toLowerCase().includes(wanted) && !box.name.includes(" … ");
  const wanted = text.trim().toLowerCase(), found = document.getElementById("found");
  const hits = wanted ? boxes.flatMap((box, index) => (named(box) ? [index] : [])) : [];
  found.textContent = wanted ? `${hits.length} found` : "";
  if (!hits.length) return draw();
  way(hits[0]).slice(0, -1).forEach((group) => open.add(group));
  draw();
  hits.forEach((hit) => drawing.querySelector(`.box[data-box="${hit}"]`)?.classList.add("found"));
  drawing.querySelector(`[data-box="${hits[0]}"]`)?.scrollIntoView({ block: "center", inline: "center" });
  return tell(hits[0]);
}

// Opens level by level, and stops before the drawing would hold more boxes than a browser moves with ease.
function openAll() {
  let seen = boxes.filter((_, index) => shown(index) === index).length;
  for (const group of groups) {
    if (open.has(group) || shown(group) !== group) continue;
    const more = children.get(group).length;
    if (seen + more > MOST_OPEN) break;
    open.add(group);
    seen += more;
  }
  document.getElementById("found").textContent = groups.every((group) => open.has(group)) ? "" : `opened up to ${MOST_OPEN} boxes`;
  draw();
}

// At first small groups are open, so that weights are seen beside the layers that take them.
function openSmall() {
  let seen = children.get(-1).length;
  const top = groups.filter((group) => boxes[group].parent === -1).sort((a, b) => children.get(a).length - children.get(b).length);
  for (const group of top) {
    seen += children.get(group).length - 1;
    if (seen > OPEN_AT_FIRST || (children.get(group).length > SMALL_GROUP && top.length > 2)) break;
    open.add(group);
  }
}

function drawLegend() {
  const legend = document.getElementById("legend");
  if (!sizes.length) return;
  legend.append(titled("span", "Norm of the gradient:"));
  for (let step = 0; step < HEATS; step += 1) {
    if (most === least && step > 0) break;
    const made = document.createElement("span"), colour = document.createElement("i");
    colour.style.background = `var(--heat-${step})`;
    made.append(colour, (10 ** (least + ((most - least) * step) / HEATS)).toExponential(1) + (most === least ? "" : " up"));
    legend.append(made);
  }
}

drawing.addEventListener("pointerover", pointAt);
drawing.addEventListener("focusin", pointAt);
document.getElementById("open-all").addEventListener("click", openAll);
document.getElementById("fold-all").addEventListener("click", () => { open.clear(); draw(); });
document.getElementById("find").addEventListener("input", (event) => find(event.target.value));
drawLegend();
openSmall();
draw();
