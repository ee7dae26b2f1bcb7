// What Streamlit calls: makes the component once, and hands over what a rerun changed.

const TELL_MS = 300; // so long after the last change Python is told, once
const TOLD_AGAIN = 20; // events

export default function ({ data, parentElement, setTriggerValue }) {
  const lens = (parentElement.blastlens ??= makeLens(parentElement));
  lens.setTriggerValue = setTriggerValue;
  const fallback = parentElement.querySelector(".fallback");
  update(lens, data).then(() => fallback?.remove(), (error) => {
    lens.root.hidden = true;
    fallback?.classList.add("failed");
    throw error; // the console has it
  });
}

function makeLens(shadow) {
  const lens = {
    shadow, serial: 0, tiles: [], cells: [], masked: new Set(), cell: -1, point: null,
    pointed: null, // the tile under the pointer
    isBlinking: false, display: {}, zoom: { x: 0, y: 0, times: 1 }, image: {}, levels: null,
    smear: makeCanvas(1, 1), glass: makeCanvas(1, 1), probe: makeCanvas(1, 1).getContext("2d"),
    told: [], given: null, events: [], sent: 0, focusedId: "", columns: 2, width: 0, height: 0, ratio: 1,
    dirty: new Set(),
  };
  lens.grid = element("div",
    { class: "grid", role: "listbox", "aria-label": "The image and its models",
      "aria-describedby": "lens-help", "aria-orientation": "horizontal" });
  lens.legend = element("div", { class: "legend" });
  lens.tip = element("div", { class: "tip", hidden: "" });
  lens.live = element("div", { class: "unseen", "aria-live": "polite" });
  addActions(lens);
  const foot = element("div", { class: "foot" }, lens.legend, makeHelp());
  lens.root = element("div", { class: "lens" },
    makeToolbar(lens), lens.grid, foot, lens.tip, lens.live);
  listen(lens);
  listenForPaste(lens);
  shadow.append(lens.root);
  new ResizeObserver(() => lens.levels && relay(lens)).observe(lens.grid);
  return lens;
}

function makeHelp() {
  const keys = [
    ["\u2190 \u2191 \u2192 \u2193", "next tile"], ["Enter", "choose"], ["Shift + arrows", "move the lens"],
    ["+ \u2212", "zoom"], ["0", "reset"], ["Space", "blink"], ["C", "next cell"],
    ["M", "mask it"], ["N P", "next, previous image"],
  ];
  return element("div", { class: "help", id: "lens-help" },
    ...keys.map(([key, what]) => element("span", {}, element("kbd", {}, key), ` ${what}`)),
    element("span", {}, "Wheel or two fingers zoom, dragging moves, a double click resets."));
}

/** What controls, keys and pointers call. */
function addActions(lens) {
  lens.show = (change) => {
    Object.assign(lens.display, change);
    lens.recolour();
    tell(lens);
  };
  lens.recolour = () => redraw(lens, "colours", "tiles", "values", "bar");
  lens.blink = () => {
    lens.isBlinking = !lens.isBlinking;
    redraw(lens, "tiles", "bar");
    lens.say(lens.isBlinking ? "The image without maps." : "Maps again.");
  };
  lens.zoomTo = (zoom) => {
    const { image } = lens;
    const wanted = zoom ?? { x: image.width / 2, y: image.height / 2, times: 1 };
    const times = Math.min(MOST_ZOOM, Math.max(1, wanted.times));
    if (times < 1.01) Object.assign(wanted, { x: image.width / 2, y: image.height / 2 });
    lens.zoom = { ...wanted, times: times < 1.01 ? 1 : times };
    lens.seen = viewOf(lens);
    Object.assign(lens.zoom, { x: lens.seen.x, y: lens.seen.y });
    lens.grid.classList.toggle("zoomed", lens.zoom.times > 1);
    redraw(lens, "smear", "tiles", "glass", "bar");
    tell(lens);
  };
  lens.pointAt = (place) => {
    const point = place && isInside(lens.image, place) ? { x: place.x, y: place.y } : null;
    const cell = point ? (place.cell ?? cellAt(lens, point)) : -1;
    if (cell !== lens.cell) redraw(lens, "tiles");
    Object.assign(lens, { point, cell, pointed: place?.tile ?? null });
    redraw(lens, "glass", "values");
  };
  lens.choose = (tile) => tile.isInput || send(lens, "chosen", tile.id);
  lens.step = (by) => send(lens, "step", by);
  lens.mask = (cell) => send(lens, "cell", cell);
  lens.say = (text) => {
    lens.live.textContent = text;
  };
}

/** Takes over what Python gave. */
async function update(lens, data) {
  const isNew = lens.image.key !== data.image.key;
  lens.latest = data;
  const levels = isNew ? await decodeImage(data.image) : lens.levels;
  if (lens.latest !== data) return; // another came meanwhile
  Object.assign(lens, { image: data.image, levels, masked: new Set(data.masked) });
  lens.cells = data.cells.map(readCell);
  if (isNew || lens.cell >= lens.cells.length) Object.assign(lens, { cell: -1, point: null });
  takeDisplay(lens, data.display, isNew);
  updateTiles(lens, data);
  relay(lens);
}

function readCell(cell) {
  const [path, nucleusPath] = [cell.outlines, cell.nuclei].map((polygons) => {
    const drawn = new Path2D();
    for (const [first, ...others] of polygons) {
      drawn.moveTo(...first);
      for (const corner of others) drawn.lineTo(...corner);
      drawn.closePath();
    }
    return drawn;
  });
  const [xs, ys] = [0, 1].map((at) => cell.outlines.flat().map((corner) => corner[at]));
  const middle = (all) => (all.length ? (Math.min(...all) + Math.max(...all)) / 2 : 0);
  return { name: cell.name, path, nucleusPath, middle: { x: middle(xs), y: middle(ys) } };
}

/** The display of an address counts when it comes first and when it changes, but not as an echo
 * of what was just told from here. */
function takeDisplay(lens, display, isNewImage) {
  const text = JSON.stringify(display);
  const isFirst = lens.given === null;
  const echo = lens.told.indexOf(text);
  if (echo >= 0) lens.told.splice(0, echo + 1);
  const isChange = text !== lens.given && echo < 0;
  lens.given = text;
  if (isFirst || isChange) {
    const { zoom, ...others } = display;
    lens.display = others;
    const [x, y, times] = zoom ?? [lens.image.width / 2, lens.image.height / 2, 1];
    lens.zoom = { x, y, times };
  } else if (isNewImage) {
    lens.zoom = { x: lens.image.width / 2, y: lens.image.height / 2, times: 1 };
  }
}

/** The display as Python has it. */
function displayNow({ display, zoom }) {
  const isWhole = zoom.times === 1;
  const place = [Math.round(zoom.x), Math.round(zoom.y), Number(zoom.times.toFixed(2))];
  return { ...display, zoom: isWhole ? null : place };
}

function tell(lens) {
  clearTimeout(lens.telling);
  lens.telling = setTimeout(() => {
    const display = displayNow(lens);
    lens.told.push(JSON.stringify(display));
    // Not as a state, which would stay and speak against every later address.
    send(lens, "display", display);
  }, TELL_MS);
}

/** Tells Python an event, and the last ones again: those that it knows it does not take twice.
 * By the clock, so that a component that is made anew is later than the one before. */
function send(lens, name, value) {
  lens.sent = Math.max(lens.sent + 1, Date.now());
  lens.events = [...lens.events, [lens.sent, name, value]].slice(-TOLD_AGAIN);
  lens.setTriggerValue("events", lens.events);
}

/** After a change of size or of tiles, everything is drawn anew. */
function relay(lens) {
  layOut(lens);
  if (!lens.width) return;
  lens.seen = viewOf(lens);
  lens.grid.classList.toggle("zoomed", lens.zoom.times > 1);
  redraw(lens, "colours", "smear", "tiles", "glass", "values", "bar");
}

/** Draws the named parts in the next frame, however often it was asked for. */
function redraw(lens, ...parts) {
  if (!lens.dirty.size) requestAnimationFrame(() => paintDirty(lens));
  parts.forEach((part) => lens.dirty.add(part));
}

function paintDirty(lens) {
  const dirty = new Set(lens.dirty);
  lens.dirty.clear();
  if (!lens.levels || !lens.width) return;
  if (dirty.has("colours")) colourMaps(lens);
  if (dirty.has("smear")) {
    const context = lens.smear.getContext("2d");
    context.clearRect(0, 0, lens.smear.width, lens.smear.height);
    const { scale, left, top } = lens.seen;
    paintImage(context, lens, scale * lens.ratio, left * lens.ratio, top * lens.ratio);
  }
  if (dirty.has("tiles")) for (const tile of lens.tiles) paintTile(lens, tile);
  if (dirty.has("glass")) paintGlasses(lens);
  if (dirty.has("values") || dirty.has("tiles")) {
    for (const tile of lens.tiles) setText(tile.value, readOut(lens, tile));
    placeTip(lens);
  }
  if (dirty.has("bar")) updateToolbar(lens);
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Colours again the maps whose colours are others now. */
function colourMaps(lens) {
  const tiles = lens.tiles.filter((tile) => tile.map);
  const { scale, colours, view, grid } = lens.display;
  const ends = scaleEnds(tiles.map((tile) => tile.map), scale);
  tiles.forEach((tile, index) => {
    const options = { colours, isOpaque: view === "map", isGrid: grid };
    const key = JSON.stringify([ends[index], options]);
    if (tile.colouredAs === key) return;
    tile.coloured = colourMap(tile.map, ends[index], options);
    tile.colouredAs = key;
  });
}

function paintGlasses(lens) {
  const { point, seen, glassSide } = lens;
  const [x, y] = point ? [point.x * seen.scale + seen.left, point.y * seen.scale + seen.top] : [];
  const isSeen = Boolean(point) && x >= 0 && y >= 0 && x <= lens.width && y <= lens.height;
  if (isSeen) paintGlass(lens);
  for (const tile of lens.tiles) {
    if (tile.glass.hidden === isSeen) tile.glass.hidden = !isSeen;
    if (!isSeen) continue;
    paintTileGlass(lens, tile);
    tile.glass.style.transform = `translate(${x - glassSide / 2}px, ${y - glassSide / 2}px)`;
  }
}

/** The name of the cell beside the lens. */
function placeTip(lens) {
  const { tip, pointed, cell, point, seen } = lens;
  tip.hidden = !(lens.cells[cell] && pointed && point);
  if (tip.hidden) return;
  setText(tip, describeCell(lens, pointed));
  const [frame, outer] = [pointed.base, lens.root].map((each) => each.getBoundingClientRect());
  const x = frame.left - outer.left + point.x * seen.scale + seen.left;
  const y = frame.top - outer.top + point.y * seen.scale + seen.top;
  const room = outer.width - tip.offsetWidth;
  const left = Math.max(0, Math.min(x - tip.offsetWidth / 2, room));
  const above = y - lens.glassSide / 2 - tip.offsetHeight - 6;
  tip.style.transform = `translate(${left}px, ${above}px)`;
}
