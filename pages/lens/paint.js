// From the view (which part of the image is seen) to pixels. Nothing here knows of events.

const CELL_COLOUR = "rgb(0 158 115)"; // as xai/draw/outlines.py has it
const GLASS_TIMES = 2; // what is inside the lens is so much larger

/** The image in full size and in halves, so that a small tile does not read millions of pixels. */
async function decodeImage(image) {
  const picture = new Image();
  picture.src = image.source;
  await picture.decode();
  const levels = [picture];
  let [width, height] = [picture.naturalWidth, picture.naturalHeight];
  while (Math.min(width, height) > 256) {
    [width, height] = [Math.ceil(width / 2), Math.ceil(height / 2)];
    const half = makeCanvas(width, height);
    half.getContext("2d").drawImage(levels.at(-1), 0, 0, width, height);
    levels.push(half);
  }
  return levels;
}

function makeCanvas(width, height) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  return canvas;
}

/** What a tile shows: its scale in tile pixels per image pixel, and the image's place in it. */
function viewOf(lens) {
  const { image, zoom, width, height } = lens;
  const scale = zoom.times * Math.min(width / image.width, height / image.height);
  const middle = (at, seen, whole) =>
    seen >= whole ? whole / 2 : Math.min(Math.max(at, seen / 2), whole - seen / 2);
  const x = middle(zoom.x, width / scale, image.width);
  const y = middle(zoom.y, height / scale, image.height);
  return { scale, x, y, left: width / 2 - x * scale, top: height / 2 - y * scale };
}

/** The image at `scale` with its corner at (left, top), all in pixels of the canvas. */
function paintImage(context, lens, scale, left, top) {
  const { levels, image } = lens;
  const width = image.width * scale;
  const level = levels.findLast((each) => (each.naturalWidth ?? each.width) >= width) ?? levels[0];
  context.imageSmoothingEnabled = scale < 4; // beyond, single pixels are shown as they are
  // Only the part that is seen: else the browser scales all of it.
  const times = (level.naturalWidth ?? level.width) / width;
  const { width: seenWidth, height: seenHeight } = context.canvas;
  const [x, y] = [Math.max(0, -left * times), Math.max(0, -top * times)];
  const right = Math.min(level.naturalWidth ?? level.width, (seenWidth - left) * times);
  const bottom = Math.min(level.naturalHeight ?? level.height, (seenHeight - top) * times);
  if (right <= x || bottom <= y) return;
  const at = [left + x / times, top + y / times, (right - x) / times, (bottom - y) / times];
  context.drawImage(level, x, y, right - x, bottom - y, ...at);
}

/** The map in colour, on a canvas of its own; opaque, or clear where nothing is attributed. */
function colourMap(map, end, { colours, isOpaque, isGrid }) {
  const { values, width, height } = isGrid ? map : (map.fine ??= enlarge(map, FINE_PX));
  const table = colourTable(map.signed ? "diverging" : colours);
  const canvas = makeCanvas(width, height);
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  for (let at = 0; at < values.length; at++) {
    const share = end > 0 ? values[at] / end : 0;
    const entry = 3 * tableIndex(share, map.signed);
    pixels.data[4 * at] = table[entry];
    pixels.data[4 * at + 1] = table[entry + 1];
    pixels.data[4 * at + 2] = table[entry + 2];
    // Full from half of the scale on: further up the colour alone shows how much.
    const strength = map.signed ? Math.abs(share) : Math.max(share, 0);
    pixels.data[4 * at + 3] = isOpaque ? 255 : 255 * Math.min(1, 2 * strength);
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/** One tile: image, map, and lines. `lens.smear` is the image as all tiles show it. */
function paintTile(lens, tile) {
  const { context, map } = tile;
  const view = lens.seen;
  const { view: what, opacity } = lens.display;
  const isBare = lens.isBlinking || what === "image" || tile.isInput;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.globalAlpha = 1;
  if (isBare || what !== "map" || !tile.coloured) context.drawImage(lens.smear, 0, 0);
  else context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  const scale = view.scale * lens.ratio;
  context.setTransform(scale, 0, 0, scale, view.left * lens.ratio, view.top * lens.ratio);
  const pixel = 1 / view.scale; // of the screen, in those of the image
  if (map) dimOutside(context, lens.image, map.box);
  if (!isBare && tile.coloured) paintMap(context, tile, what === "map" ? 1 : opacity, lens);
  if (!isBare && tile.cells && !map) paintCells(context, lens, tile, Math.max(opacity, 0.3));
  if (!isBare && map && lens.display.contours) paintContours(context, map, pixel);
  if (!isBare && map && lens.display.grid) paintGrid(context, map, view, pixel);
  if (lens.display.outlines || (tile.cells && !map)) paintOutlines(context, lens, pixel);
  paintMarks(context, lens, pixel);
}

function paintMap(context, tile, opacity, lens) {
  const { left, top, width, height } = tile.map.box;
  context.globalAlpha = opacity;
  context.imageSmoothingEnabled = !lens.display.grid;
  context.drawImage(tile.coloured, left, top, width, height);
  context.globalAlpha = 1;
}

function dimOutside(context, image, box) {
  if (box.width >= image.width && box.height >= image.height) return;
  context.fillStyle = "rgb(0 0 0 / .55)";
  context.beginPath();
  context.rect(0, 0, image.width, image.height);
  context.rect(box.left, box.top, box.width, box.height);
  context.fill("evenodd");
}

function paintContours(context, map, pixel) {
  map.contours ??= contourPath(map);
  strokeTwice(context, map.contours, pixel, "rgb(255 255 255 / .9)", "rgb(0 0 0 / .85)");
}

/** A light line below a dark one, which is seen on any ground. */
function strokeTwice(context, path, pixel, below, above) {
  for (const [width, colour] of [[3, below], [1.25, above]]) {
    context.lineWidth = width * pixel;
    context.strokeStyle = colour;
    context.stroke(path);
  }
}

function paintGrid(context, map, view, pixel) {
  const { left, top, width, height } = map.box;
  // Lines closer than this would cover the map.
  if ((width / map.width) * view.scale < 5) return;
  const path = new Path2D();
  for (let column = 0; column <= map.width; column++) {
    const x = left + (column * width) / map.width;
    path.moveTo(x, top);
    path.lineTo(x, top + height);
  }
  for (let row = 0; row <= map.height; row++) {
    const y = top + (row * height) / map.height;
    path.moveTo(left, y);
    path.lineTo(left + width, y);
  }
  context.lineWidth = pixel;
  context.strokeStyle = "rgb(255 255 255 / .55)";
  context.stroke(path);
}

function paintCells(context, lens, tile, opacity) {
  const end = Math.max(...tile.cells.values.map(Math.abs)) || 1;
  lens.cells.forEach((cell, index) => {
    context.globalAlpha = Math.min(1, opacity + 0.25);
    context.fillStyle = colourOf("diverging", tile.cells.values[index] / end);
    context.fill(cell.path, "evenodd");
  });
  context.globalAlpha = 1;
}

function paintOutlines(context, lens, pixel) {
  for (const cell of lens.cells) {
    context.lineWidth = 1.5 * pixel;
    context.strokeStyle = CELL_COLOUR;
    context.stroke(cell.path);
    context.lineWidth = pixel;
    context.strokeStyle = "white";
    context.stroke(cell.nucleusPath);
  }
}

/** Masked cells, dashed, and the cell under the pointer. */
function paintMarks(context, lens, pixel) {
  for (const index of lens.masked) {
    if (!lens.cells[index]) continue;
    context.setLineDash([5 * pixel, 4 * pixel]);
    strokeTwice(context, lens.cells[index].path, pixel, "black", "white");
    context.setLineDash([]);
  }
  const cell = lens.cells[lens.cell];
  if (cell) strokeTwice(context, cell.path, pixel, "rgb(0 0 0 / .7)", "white");
}

/** What is inside the lens: the image, larger, about the point; for all tiles the same. */
function paintGlass(lens) {
  const context = lens.glass.getContext("2d");
  const scale = lens.seen.scale * lens.ratio * GLASS_TIMES;
  const half = lens.glass.width / 2;
  context.fillStyle = "black";
  context.fillRect(0, 0, lens.glass.width, lens.glass.height);
  paintImage(context, lens, scale, half - lens.point.x * scale, half - lens.point.y * scale);
}

/** One tile's lens, from the glass of all. Round here and not by CSS, which takes twice as long. */
function paintTileGlass(lens, tile) {
  const context = tile.glassContext;
  const half = lens.glass.width / 2;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, lens.glass.width, lens.glass.height);
  context.save();
  context.beginPath();
  context.arc(half, half, half - 2 * lens.ratio, 0, 2 * Math.PI);
  context.clip();
  context.drawImage(lens.glass, 0, 0);
  if (lens.display.lens === "map" && tile.coloured) {
    const scale = lens.seen.scale * lens.ratio * GLASS_TIMES;
    const { x, y } = lens.point;
    context.setTransform(scale, 0, 0, scale, half - x * scale, half - y * scale);
    paintMap(context, tile, Math.max(lens.display.opacity, 0.85), lens);
  }
  context.restore();
  for (const [inset, colour] of [[1, "rgb(0 0 0 / .6)"], [2.25, "white"]]) {
    context.beginPath();
    context.arc(half, half, half - inset * lens.ratio, 0, 2 * Math.PI);
    context.lineWidth = 1.5 * lens.ratio;
    context.strokeStyle = colour;
    context.stroke();
  }
}
