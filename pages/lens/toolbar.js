// The controls above the tiles. Each change is drawn at once and told to Python afterwards.

const SELECTS = [
  ["view", "View", [["over", "Map over image"], ["map", "Map only"], ["image", "Image only"]]],
  ["colours", "Colours", [["turbo", "Turbo"], ["viridis", "Viridis"], ["magma", "Magma"]]],
  ["scale", "Scale", [["own", "Each map"], ["shared", "Shared"]]],
  ["lens", "Lens shows", [["smear", "Image"], ["map", "Map"]]],
];
const SWITCHES = [
  ["contours", "Contours", "Lines around the strongest 10 and 20 % of the area"],
  ["outlines", "Cells", "Outlines of nucleated cells and nuclei"],
  ["grid", "Grid", "The feature map as it was computed, not interpolated"],
];

function makeToolbar(lens) {
  const bar = element("div", { class: "toolbar", role: "group", "aria-label": "Display" });
  lens.controls = {};
  const [view, ...others] = SELECTS.map((row) => makeSelect(lens, ...row));
  bar.append(view, makeOpacity(lens), ...others);
  const switches = element("div", { class: "switches" });
  for (const [name, label, help] of SWITCHES) {
    const button = makeButton(label, help, () => lens.show({ [name]: !lens.display[name] }));
    lens.controls[name] = button;
    switches.append(button);
  }
  lens.controls.blink = makeButton("Blink", "The image without maps, and back (Space)",
    () => lens.blink());
  lens.controls.reset = makeButton("Reset zoom", "The whole image (0, or a double click)",
    () => lens.zoomTo(null));
  switches.append(lens.controls.blink, lens.controls.reset);
  bar.append(switches);
  return bar;
}

function makeSelect(lens, name, label, options) {
  const select = element("select", {},
    ...options.map(([value, text]) => element("option", { value }, text)));
  select.addEventListener("change", () => lens.show({ [name]: select.value }));
  lens.controls[name] = select;
  return makeField(name, element("label", { for: `lens-${name}` }, label), select);
}

function makeOpacity(lens) {
  const range = element("input", { type: "range", min: "0", max: "100", step: "5" });
  const shown = element("span", { "aria-hidden": "true" });
  range.addEventListener("input", () => lens.show({ opacity: Number(range.value) / 100 }));
  Object.assign(lens.controls, { opacity: range, opacityShown: shown });
  return makeField("opacity", element("label", { for: "lens-opacity" }, "Opacity"), range, shown);
}

function makeField(name, label, control, ...shown) {
  control.id = `lens-${name}`;
  return element("div", { class: `field for-${name}` },
    element("div", { class: "label" }, label, ...shown), control);
}

function makeButton(label, help, onClick) {
  const button = element("button", { type: "button", title: help }, label);
  button.addEventListener("click", onClick);
  return button;
}

/** Shows the choices as they are now. */
function updateToolbar(lens) {
  const { controls, display } = lens;
  for (const [name] of SELECTS) controls[name].value = display[name];
  for (const [name] of SWITCHES) controls[name].setAttribute("aria-pressed", display[name]);
  const percent = `${Math.round(100 * display.opacity)} %`;
  controls.opacity.value = Math.round(100 * display.opacity);
  controls.opacity.setAttribute("aria-valuetext", percent);
  controls.opacityShown.textContent = percent;
  controls.opacity.disabled = display.view !== "over";
  controls.blink.setAttribute("aria-pressed", lens.isBlinking);
  controls.reset.disabled = lens.zoom.times === 1;
  controls.outlines.disabled = lens.cells.length === 0;
  const times = Number(lens.zoom.times.toPrecision(2));
  controls.reset.textContent = times === 1 ? "Reset zoom" : `Reset zoom (${times}\u00d7)`;
  updateLegend(lens);
}

/** The colours, with what their ends mean. */
function updateLegend(lens) {
  const drawn = lens.tiles.map((tile) => tile.map).filter(Boolean);
  const isShared = lens.display.scale === "shared";
  const isCut = drawn.some((map) => map.end < Math.max(-map.low, map.high));
  const end = (isShared ? "largest of all" : "each map\u2019s largest")
    + (isCut ? " (fine maps: 99th percentile)" : "");
  const rows = [];
  if (drawn.some((map) => !map.signed)) rows.push([lens.display.colours, "0", end]);
  if (drawn.some((map) => map.signed) || lens.tiles.some((tile) => tile.cells && !tile.map)) {
    rows.push(["diverging", "against", "for"]);
  }
  lens.legend.replaceChildren(...rows.map(([name, low, high]) => {
    const bar = element("i", { class: "bar" });
    bar.style.background = colourGradient(name);
    return element("span", { class: "scale" }, low, bar, high);
  }));
}
