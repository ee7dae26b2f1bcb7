// Tables of colours: 256 entries from a few stops, for values from 0 (or -1) to 1.

const STOPS = {
  // Mikhailov 2019, turbo; van der Walt and Smith 2015, viridis and magma.
  turbo: "30123b 4145ab 4675ed 39a2fc 1bcfd4 24eca6 61fc6c a4fc3b d1e834 f3c63a fe9b2d f36315 d93806 b11901 7a0402",
  viridis: "440154 482878 3e4989 31688e 26828e 1f9e89 35b779 6ece58 b5de2b fde725",
  magma: "000004 180f3d 440f76 721f81 9e2f7f cd4071 f1605d fd9668 feca8d fcfdbf",
  // As xai/draw/scale.py has it: blue is against the class, orange for it.
  diverging: "2166ac 4393c3 92c5de d1e5f0 f7f7f7 fee0b6 fdb863 e08214 b35806",
};
const tables = {};

/** 256 x 3 bytes of one of STOPS, evenly spaced. */
function colourTable(name) {
  if (tables[name]) return tables[name];
  const stops = STOPS[name].split(" ").map((hex) =>
    [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  const table = new Uint8Array(3 * 256);
  for (let entry = 0; entry < 256; entry++) {
    const at = (entry / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    for (let channel = 0; channel < 3; channel++) {
      const [from, to] = [stops[low][channel], stops[low + 1][channel]];
      table[3 * entry + channel] = Math.round(from + (at - low) * (to - from));
    }
  }
  return (tables[name] = table);
}

/** CSS colour of a share of the scale: [-1, 1] of a signed one, [0, 1] else. */
function colourOf(name, share) {
  const table = colourTable(name);
  const at = 3 * tableIndex(share, name === "diverging");
  return `rgb(${table[at]} ${table[at + 1]} ${table[at + 2]})`;
}

function tableIndex(share, isSigned) {
  const unit = isSigned ? (share + 1) / 2 : share;
  return Math.round(255 * Math.min(1, Math.max(0, unit)));
}

/** A CSS background that shows the whole scale. */
function colourGradient(name) {
  const colours = STOPS[name].split(" ").map((hex) => `#${hex}`);
  return `linear-gradient(to right, ${colours.join(", ")})`;
}
