// The tiles: the image's own and one per model. Texts go in as text, never as markup.

const MINUTE_TILE = 150; // px: no tile is narrower where there is room for two
const AROUND = 340; // px of the page above and below the rows, which should stay on one screen
const TALLEST = 560; // px of all rows, where a screen is small
const CAPTION = 108; // px below a picture

/** An element with a class, attributes and children; strings become text. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
}

/** The tile of the image, or of one model, without its map. */
function makeTile(lens, data, isInput) {
  const id = isInput ? "" : data.run_id;
  const base = element("canvas", { class: "base", "aria-hidden": "true" });
  const glass = element("canvas", { class: "glass", "aria-hidden": "true", hidden: "" });
  const alt = element("span", { class: "unseen", id: `alt-${lens.serial++}` }, data.alt);
  const value = element("div", { class: "value" });
  const picture = element("div", { class: "picture" }, base, glass);
  const root = element("div",
    { class: "tile", role: "option", tabindex: "-1", "aria-describedby": alt.id,
      "aria-label": isInput ? `${data.title}. ${data.note}` : data.label,
      "data-tile": id },
    picture, isInput ? imageCaption(data, value) : modelCaption(data, value), alt);
  const tile = { id, key: data.key, data, isInput, root, picture, base, glass, value,
    context: base.getContext("2d"), glassContext: glass.getContext("2d"),
    map: null, cells: data.cells, coloured: null };
  if (data.status) {
    picture.append(element("div", { class: "status" }, data.status));
    root.classList.add("waits");
  }
  if (data.map?.empty) picture.append(element("div", { class: "empty" }, data.map.empty));
  return tile;
}

function imageCaption(data, value) {
  return element("div", { class: "caption" },
    element("div", { class: "title" }, element("b", {}, data.title)),
    element("div", { class: "note" }, data.note), value);
}

function modelCaption(data, value) {
  const dot = element("i", { class: "dot" });
  if (/^#[0-9a-f]{6}$/i.test(data.colour)) dot.style.background = data.colour;
  const isCorrect = data.correct === null ? null
    : element("span", { class: data.correct ? "right" : "wrong" },
      data.correct ? "\u2713 correct" : "\u2717 not correct");
  const far = data.ood
    ? element("span", { class: "badge", title: "out of distribution" }, "OOD") : null;
  return element("div", { class: "caption" },
    element("div", { class: "title", title: `${data.title}, ${data.split} split` },
      element("b", {}, data.title), element("span", { class: "split" }, data.split)),
    data.method ? element("div", { class: "method", title: data.method }, data.method) : null,
    element("div", { class: "answer" },
      data.colour ? dot : null, element("span", { class: "predicted", title: data.predicted },
        data.predicted), element("span", { class: "probability" }, data.probability)),
    element("div", { class: "marks" }, isCorrect, far),
    value, element("div", { class: "note", title: data.note }, data.note));
}

/** Takes over what changed: tiles whose key is as before keep their pictures. */
function updateTiles(lens, data) {
  const old = new Map(lens.tiles.map((tile) => [tile.key, tile]));
  const parts = [[data.image, true], ...data.tiles.map((tile) => [tile, false])];
  lens.tiles = parts.map(([part, isInput]) => {
    if (old.has(part.key)) return old.get(part.key);
    const tile = makeTile(lens, part, isInput);
    if (part.map) {
      decodeMap(part.map).then((map) => {
        tile.map = map;
        lens.recolour();
      });
    }
    return tile;
  });
  const focused = lens.tiles.findIndex((tile) => tile.id === lens.focusedId);
  const had = lens.grid.contains(lens.shadow.activeElement);
  lens.grid.replaceChildren(...lens.tiles.map((tile) => tile.root));
  for (const tile of lens.tiles) {
    const isChosen = !tile.isInput && tile.id === data.chosen;
    tile.root.setAttribute("aria-selected", String(isChosen));
  }
  rove(lens, Math.max(focused, 0), had);
}

/** Makes one tile the one that Tab reaches. */
function rove(lens, index, takesFocus) {
  lens.focusedId = lens.tiles[index].id;
  lens.tiles.forEach((tile, at) => {
    tile.root.tabIndex = at === index ? 0 : -1;
  });
  if (takesFocus) lens.tiles[index].root.focus();
}

function focusedTile(lens) {
  return lens.tiles.find((tile) => tile.id === lens.focusedId) ?? lens.tiles[0];
}

/** As many columns as make the tiles largest on one screen; two on a phone. */
function layOut(lens) {
  const room = lens.grid.clientWidth;
  if (!room) return;
  const { width, height } = lens.image;
  const aspect = Math.min(Math.max(width / height, 0.7), 1.6);
  const gap = room < 520 ? 10 : 14;
  const most = Math.max(2, Math.floor((room + gap) / (MINUTE_TILE + gap)));
  const tallest = Math.max(TALLEST, window.innerHeight - AROUND);
  let side = 0;
  for (let columns = 2; columns <= (room < 520 ? 2 : most); columns++) {
    const rows = Math.ceil(lens.tiles.length / columns);
    const widest = (room - gap * (columns - 1)) / columns;
    const fitting = (tallest / rows - CAPTION - gap) * aspect;
    const now = room < 520 ? widest : Math.min(widest, Math.max(fitting, MINUTE_TILE));
    if (now >= side) [side, lens.columns] = [now, columns];
  }
  lens.width = Math.floor(side);
  lens.height = Math.round(lens.width / aspect);
  lens.ratio = Math.min(window.devicePixelRatio || 1, 2);
  lens.grid.style.setProperty("--columns", lens.columns);
  lens.grid.style.setProperty("--side", `${lens.width}px`);
  lens.grid.style.setProperty("--gap", `${gap}px`);
  lens.grid.style.setProperty("--height", `${lens.height}px`);
  lens.glassSide = Math.round(Math.min(130, 0.5 * Math.min(lens.width, lens.height)));
  const size = [Math.round(lens.width * lens.ratio), Math.round(lens.height * lens.ratio)];
  const glassSide = Math.round(lens.glassSide * lens.ratio);
  resize(lens.smear, ...size);
  resize(lens.glass, glassSide, glassSide);
  for (const tile of lens.tiles) {
    resize(tile.base, ...size);
    resize(tile.glass, glassSide, glassSide);
    tile.glass.style.width = tile.glass.style.height = `${lens.glassSide}px`;
  }
}

function resize(canvas, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}

/** What a tile says below its picture: the value under the point, or the ends of its map. */
function readOut(lens, tile) {
  const { map, cells } = tile;
  const cell = lens.cells[lens.cell];
  if (tile.isInput) {
    if (!lens.point) return `${lens.image.width} \u00d7 ${lens.image.height} px`;
    const place = `x ${Math.floor(lens.point.x)}, y ${Math.floor(lens.point.y)}`;
    return cell ? `${place}: ${cell.name}` : place;
  }
  const parts = [];
  if (cells && cell) parts.push(printCell(cells, lens.cell));
  else if (cells && !map) parts.push(`background ${printNumber(cells.background, true)} logits`);
  if (map && !lens.point) parts.push(printRange(map, lens.display.scale));
  if (map && lens.point) {
    const value = valueAt(map, lens.point.x, lens.point.y);
    parts.push(value === null ? "not seen by the model" : printValue(map, value));
  }
  return parts.join(" \u00b7 ");
}

/** The Shapley value of a cell for one model. */
function printCell(cells, index) {
  const error = cells.standard_error;
  const off = error === null ? "" : ` \u00b1 ${printNumber(error)}`;
  return `Shapley ${printNumber(cells.values[index], true)}${off} logits`;
}
