// Maps as numbers: decoding, enlarging, lines of equal value, and how a value is printed.

const FINE_PX = 224; // side to which a coarse map is enlarged before it is coloured
const CONTOUR_PX = 112; // side of the grid on which contours are sought
const CONTOUR_SHARES = [0.2, 0.1]; // of the area, the strongest of it

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** The map with its `values`, a Float32Array row by row. */
async function decodeMap(map) {
  const bytes = bytesOf(map.data);
  if (!map.is_deflated) return { ...map, values: new Float32Array(bytes.buffer) };
  const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(inflated).arrayBuffer();
  return { ...map, values: Float32Array.from(new Int8Array(buffer), (each) => each * map.step) };
}

/** Column or row of the map, and the share of the next one, for each of `count` middles. */
function bilinearPlaces(size, count) {
  return Array.from({ length: count }, (_, index) => {
    const at = Math.min(Math.max(((index + 0.5) * size) / count - 0.5, 0), size - 1);
    const low = Math.min(Math.floor(at), Math.max(size - 2, 0));
    return [low, Math.min(low + 1, size - 1), at - low];
  });
}

/** `map` between its entries, as Pillow's BILINEAR enlarges: {values, width, height}. */
function enlarge(map, side) {
  const scale = Math.max(1, side / Math.max(map.width, map.height));
  const [width, height] = [Math.round(map.width * scale), Math.round(map.height * scale)];
  const values = new Float32Array(width * height);
  const columns = bilinearPlaces(map.width, width);
  bilinearPlaces(map.height, height).forEach(([top, bottom, down], row) => {
    const [upper, lower] = [top * map.width, bottom * map.width];
    for (let column = 0; column < width; column++) {
      const [left, right, across] = columns[column];
      const above = map.values[upper + left] * (1 - across) + map.values[upper + right] * across;
      const below = map.values[lower + left] * (1 - across) + map.values[lower + right] * across;
      values[row * width + column] = above * (1 - down) + below * down;
    }
  });
  return { values, width, height };
}

/** Means of squares of pixels, where the map is finer than contours can be followed. */
function coarsen(map, side) {
  const by = Math.ceil(Math.max(map.width, map.height) / side);
  const [width, height] = [Math.ceil(map.width / by), Math.ceil(map.height / by)];
  const [sums, counts] = [new Float32Array(width * height), new Float32Array(width * height)];
  for (let row = 0; row < map.height; row++) {
    for (let column = 0; column < map.width; column++) {
      const at = Math.floor(row / by) * width + Math.floor(column / by);
      sums[at] += map.values[row * map.width + column];
      counts[at] += 1;
    }
  }
  return { values: sums.map((sum, at) => sum / counts[at]), width, height };
}

/** Path2D of the lines around the strongest shares of the area, in pixels of the image. */
function contourPath(map) {
  const isFine = Math.max(map.width, map.height) > CONTOUR_PX;
  const grid = isFine ? coarsen(map, CONTOUR_PX / 2) : enlarge(map, CONTOUR_PX);
  const positive = grid.values.map((value) => Math.max(value, 0));
  const sorted = Float32Array.from(positive).sort();
  const path = new Path2D();
  for (const share of CONTOUR_SHARES) {
    const level = sorted[Math.min(Math.floor((1 - share) * sorted.length), sorted.length - 1)];
    addContour(path, { ...grid, values: positive }, Math.max(level, 1e-6 * map.high), map.box);
  }
  return path;
}

// Marching squares: by which corners (1, 2, 4, 8 clockwise from the upper left) are above the
// level, the edges (0 top, 1 right, 2 bottom, 3 left) that a line joins.
const LINES = [[], [[3, 0]], [[0, 1]], [[3, 1]], [[1, 2]], [[3, 0], [1, 2]], [[0, 2]], [[3, 2]],
  [[2, 3]], [[2, 0]], [[0, 1], [2, 3]], [[2, 1]], [[1, 3]], [[1, 0]], [[0, 3]], []];

function addContour(path, { values, width, height }, level, box) {
  const share = (from, to) => (level - from) / (to - from);
  const x = (column) => box.left + ((column + 0.5) * box.width) / width;
  const y = (row) => box.top + ((row + 0.5) * box.height) / height;
  for (let row = 0; row + 1 < height; row++) {
    for (let column = 0; column + 1 < width; column++) {
      const at = row * width + column;
      const [a, b, c, d] = [values[at], values[at + 1], values[at + width + 1], values[at + width]];
      const kind = (a > level) + 2 * (b > level) + 4 * (c > level) + 8 * (d > level);
      for (const line of LINES[kind]) {
        const ends = line.map((edge) => [
          [x(column + share(a, b)), y(row)],
          [x(column + 1), y(row + share(b, c))],
          [x(column + share(d, c)), y(row + 1)],
          [x(column), y(row + share(a, d))],
        ][edge]);
        path.moveTo(...ends[0]);
        path.lineTo(...ends[1]);
      }
    }
  }
}

/** The value of the map's entry at a place of the image; null outside of the map. */
function valueAt(map, x, y) {
  const [across, down] = [(x - map.box.left) / map.box.width, (y - map.box.top) / map.box.height];
  if (across < 0 || across >= 1 || down < 0 || down >= 1) return null;
  const [column, row] = [Math.floor(across * map.width), Math.floor(down * map.height)];
  return map.values[row * map.width + column];
}

/** Three digits that count, a real minus, and a plus where values have signs. */
function printNumber(value, isSigned = false) {
  const text = value === 0 ? "0" : String(Number(Math.abs(value).toPrecision(3)));
  return `${value < 0 ? "\u2212" : isSigned && value > 0 ? "+" : ""}${text}`;
}

/** A value with its unit; sent in steps, it has the digits that these allow, and its error. */
function printValue(map, value) {
  if (!map.step) return `${printNumber(map.times * value, map.signed)} ${map.unit}`;
  const off = Number(((map.times * map.step) / 2).toPrecision(1));
  const digits = Math.max(0, -Math.floor(Math.log10(off)));
  const known = Number((map.times * value).toFixed(Math.min(digits, 20)));
  return `${printNumber(known, map.signed)} \u00b1 ${off} ${map.unit}`;
}

/** The end of each map's colours: its own, or the largest of those in the same unit, by area. */
function scaleEnds(maps, scale) {
  if (scale === "own") return maps.map((map) => map.end);
  return maps.map((map) => {
    const alike = maps.filter((other) => other.unit === map.unit);
    return Math.max(...alike.map((other) => other.end * other.per_hundredth)) / map.per_hundredth;
  });
}

/** The largest value, or both ends of a signed map; by area on a shared scale. */
function printRange(map, scale) {
  const times = map.times * (scale === "shared" ? map.per_hundredth : 1);
  const unit = scale === "shared" ? `${map.unit} per 1 % of the area` : map.unit;
  if (!map.signed) return `max ${printNumber(times * map.high)} ${unit}`;
  const ends = [map.low, map.high].map((end) => printNumber(times * end, true));
  return `${ends.join(" to ")} ${unit}`;
}
