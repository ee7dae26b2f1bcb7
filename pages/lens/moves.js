// Mouse, finger, wheel and keys: what they do to the point under the lens, and to the zoom.

const DRAG = 5; // px that a click may move
const KEY_STEP = 0.1; // of what is seen, for an arrow
const MOST_ZOOM = 64;

/** The place of the image under an event, and the tile it lies in. */
function placeOf(lens, event) {
  const tile = lens.tiles.find((each) => each.picture.contains(event.target));
  if (!tile) return null;
  const frame = tile.base.getBoundingClientRect();
  const [x, y] = [event.clientX - frame.left, event.clientY - frame.top];
  const { left, top, scale } = lens.seen;
  return { tile, x: (x - left) / scale, y: (y - top) / scale, tileX: x, tileY: y };
}

function isInside(image, { x, y }) {
  return x >= 0 && y >= 0 && x < image.width && y < image.height;
}

/** Index of the cell at a place; -1 where there is none. The last is on top. */
function cellAt(lens, { x, y }) {
  const isShown = lens.display.outlines || lens.tiles.some((tile) => tile.cells && !tile.map);
  if (!isShown) return -1;
  lens.probe.setTransform(1, 0, 0, 1, 0, 0);
  return lens.cells.findLastIndex((cell) => lens.probe.isPointInPath(cell.path, x, y, "evenodd"));
}

function listen(lens) {
  const { grid, root } = lens;
  const pointers = new Map();
  let pressed = null; // where a click or a drag began
  grid.addEventListener("pointerdown", (event) => {
    const place = placeOf(lens, event);
    if (event.button !== 0) return;
    pointers.set(event.pointerId, event);
    pressed = { event, zoom: { ...lens.zoom, x: lens.seen.x, y: lens.seen.y }, moved: false };
    pressed.apart = apart(pointers);
    lens.pointAt(place);
  });
  grid.addEventListener("pointermove", (event) => {
    const place = placeOf(lens, event);
    if (pressed && pointers.has(event.pointerId)) {
      pointers.set(event.pointerId, event);
      drag(lens, pressed, event, pointers);
    }
    lens.pointAt(place);
  });
  const release = (event) => {
    pointers.delete(event.pointerId);
    const was = pressed;
    if (!pointers.size) pressed = null;
    if (event.type === "pointerup" && was && !was.moved && !pointers.size) click(lens, event);
  };
  grid.addEventListener("pointerup", release);
  grid.addEventListener("pointercancel", release);
  grid.addEventListener("pointerleave", (event) => {
    release(event);
    lens.pointAt(null);
  });
  grid.addEventListener("wheel", (event) => {
    const place = placeOf(lens, event);
    // Wholly zoomed out, the wheel scrolls the page.
    if (!place || (lens.zoom.times === 1 && event.deltaY > 0)) return;
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 24 : 1; // lines or pixels
    zoomAt(lens, place, Math.exp((-event.deltaY * unit) / 400));
  }, { passive: false });
  // Two fingers zoom the tiles and not the page; Safari and Chromium ask here, not by touch-action.
  grid.addEventListener("touchmove", (event) => {
    if (event.touches.length > 1 || lens.zoom.times > 1) event.preventDefault();
  }, { passive: false });
  grid.addEventListener("dblclick", () => lens.zoomTo(null));
  grid.addEventListener("focusin", (event) => {
    const index = lens.tiles.findIndex((tile) => tile.root === event.target);
    if (index >= 0) rove(lens, index, false);
  });
  root.addEventListener("keydown", (event) => onKey(lens, event));
}

/** An image that is pasted anywhere on the page goes where uploads go. */
function listenForPaste(lens) {
  const accept = (event) => {
    if (!lens.root.isConnected) return void document.removeEventListener("paste", accept);
    const field = document.querySelector("[data-testid=stFileUploader] input[type=file]");
    const images = [...event.clipboardData.files].filter((file) => file.type.startsWith("image/"));
    if (!images.length || !field) return;
    event.preventDefault();
    const given = new DataTransfer();
    for (const image of images) given.items.add(image);
    field.files = given.files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  };
  document.addEventListener("paste", accept);
}

/** Distance of two fingers in px; 0 of one. */
function apart(pointers) {
  const [one, other] = [...pointers.values()];
  return other ? Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) : 0;
}

/** One finger or the mouse moves the zoomed image, two fingers zoom it. */
function drag(lens, pressed, event, pointers) {
  const { event: start, zoom } = pressed;
  if (pointers.size > 1 && pressed.apart) {
    pressed.moved = true;
    lens.zoomTo({ ...zoom, times: (zoom.times * apart(pointers)) / pressed.apart });
    return;
  }
  const [across, down] = [event.clientX - start.clientX, event.clientY - start.clientY];
  if (Math.hypot(across, down) > DRAG) pressed.moved = true;
  if (!pressed.moved || lens.zoom.times === 1) return;
  const { scale } = lens.seen;
  lens.zoomTo({ ...zoom, x: zoom.x - across / scale, y: zoom.y - down / scale });
}

/** A cell is masked, or a tile chosen; zoomed, a click waits whether it becomes a double click. */
function click(lens, event) {
  const place = placeOf(lens, event);
  const index = lens.tiles.findIndex((tile) => tile.root.contains(event.target));
  if (index < 0) return;
  rove(lens, index, true);
  clearTimeout(lens.clicking);
  if (event.detail > 1) return;
  const act = () => {
    const cell = place ? cellAt(lens, place) : -1;
    if (cell >= 0) lens.mask(cell);
    else lens.choose(lens.tiles[index]);
  };
  if (lens.zoom.times === 1) act();
  else lens.clicking = setTimeout(act, 300);
}

/** Zoom by a factor so that what is at the place stays there. */
function zoomAt(lens, place, factor) {
  const times = Math.min(MOST_ZOOM, Math.max(1, lens.zoom.times * factor));
  const scale = (lens.seen.scale * times) / lens.zoom.times;
  const x = place.x + (lens.width / 2 - place.tileX) / scale;
  const y = place.y + (lens.height / 2 - place.tileY) / scale;
  lens.zoomTo({ x, y, times });
}

/** The middle of the lens, or of what is seen, as a place. */
function keyPlace(lens) {
  const { x, y } = lens.point ?? lens.seen;
  const { left, top, scale } = lens.seen;
  return { x, y, tileX: x * scale + left, tileY: y * scale + top };
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Keys as the line of help has them; those that are used do not reach the page. */
function onKey(lens, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isTile = lens.tiles.some((tile) => tile.root === event.target);
  const isField = /^(select|input)$/i.test(event.target.tagName);
  const act = isField ? null : keyAction(lens, event, isTile);
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}

function keyAction(lens, event, isTile) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const anywhere = {
    "+": () => zoomAt(lens, keyPlace(lens), 1.5),
    "=": () => zoomAt(lens, keyPlace(lens), 1.5),
    "-": () => zoomAt(lens, keyPlace(lens), 1 / 1.5),
    "0": () => lens.zoomTo(null),
    n: () => lens.step(1),
    p: () => lens.step(-1),
    c: () => nextCell(lens, event.shiftKey ? -1 : 1),
    m: () => lens.cell >= 0 && lens.mask(lens.cell),
  };
  if (anywhere[key]) return anywhere[key];
  if (!isTile) return null; // a button has its own Space and Enter
  if (key === " ") return () => lens.blink();
  if (key === "Enter") return () => lens.choose(focusedTile(lens));
  if (key === "Escape" && lens.point) return () => lens.pointAt(null);
  if (!ARROWS[key]) return null;
  return () => (event.shiftKey ? movePoint : moveFocus)(lens, ...ARROWS[key]);
}

function moveFocus(lens, across, down) {
  const index = lens.tiles.indexOf(focusedTile(lens)) + across + down * lens.columns;
  if (index >= 0 && index < lens.tiles.length) rove(lens, index, true);
}

/** The lens by one step; zoomed, what is seen goes with it. */
function movePoint(lens, across, down) {
  const { image, seen } = lens;
  const { x, y } = lens.point ?? seen;
  const step = (KEY_STEP * Math.min(lens.width, lens.height)) / seen.scale;
  const point = {
    x: Math.min(Math.max(x + across * step, 0), image.width - 1),
    y: Math.min(Math.max(y + down * step, 0), image.height - 1),
  };
  if (lens.zoom.times > 1) lens.zoomTo({ ...lens.zoom, ...point });
  lens.pointAt({ ...point, tile: focusedTile(lens) });
  lens.say(`x ${Math.floor(point.x)}, y ${Math.floor(point.y)}: ${readOut(lens, focusedTile(lens))}`);
}

/** The lens on the next cell, in the order of their numbers. */
function nextCell(lens, by) {
  if (!lens.cells.length) return lens.say("No nucleated cells were found.");
  const count = lens.cells.length;
  const index = lens.cell < 0 && by < 0 ? count - 1 : (lens.cell + by + count) % count;
  lens.display.outlines || lens.show({ outlines: true });
  const { middle } = lens.cells[index];
  if (lens.zoom.times > 1) lens.zoomTo({ ...lens.zoom, ...middle });
  lens.pointAt({ ...middle, tile: focusedTile(lens), cell: index });
  lens.say(`${describeCell(lens, focusedTile(lens))}. ${readOut(lens, focusedTile(lens))}`);
}

/** What the tip beside the pointer says of the cell. */
function describeCell(lens, tile) {
  const cell = lens.cells[lens.cell];
  const values = tile?.cells ? ` \u00b7 ${printCell(tile.cells, lens.cell)}` : "";
  const act = lens.masked.has(lens.cell) ? "click to show it again" : "click to mask it";
  return `${cell.name}${values} \u00b7 ${act}`;
}
