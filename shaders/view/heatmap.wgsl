// A window of one slice of a tensor as colours, read from its storage buffer.
//   source [slices, rows, cols] f32 bits, or cells of a level of detail (see reduce.wgsl); extremes: one cell for the whole tensor
//   A pixel takes the cells that begin inside it (each cell belongs to one pixel), or, zoomed in, the element under its centre.
struct View {
  origin: vec2f,       // row, col at the top left corner
  per_pixel: vec2f,    // rows, cols that a pixel spans
  size: vec2u,         // rows, cols of the tensor
  slice: u32,
  from_cells: u32,
  cell: vec2u,         // rows, cols of a cell; 1 × 1: elements
  cells: vec2u,        // rows, cols of cells in a slice
  range: vec2f,
  automatic: u32,      // range from the extremes
  symmetric: u32,      // … about 0
  symlog: u32,
  mean: u32,           // show the mean; else the value largest in magnitude
  cursor: vec2f,       // row, col; negative: none
  blank: vec4f,        // outside the tensor
  mark: vec4f,         // the cursor's outline
  hatch: array<vec4f, 2>, // stripes where a value is NaN or infinite
  palette: array<vec4f, STOPS>,
}
@group(0) @binding(0) var<uniform> view: View;
@group(0) @binding(1) var<storage, read> source: array<u32>;
@group(0) @binding(2) var<storage, read> extremes: array<u32>;

const BAD = 0x80000000u;
const F32_MAX = 3.4028234e38;
const STRIPE = 8u;
const OUTLINE = 2.0;
// symlog turns from linear to logarithmic at a thousandth of the largest magnitude.
const KNEE = 1000.0;

struct Gathered {
  low: f32,
  high: f32,
  sum: f32,
  count: u32,
  bad: u32,
}

fn finite(bits: u32) -> bool { return (bits & 0x7f800000u) != 0x7f800000u; }

fn gather(first: vec2u, end: vec2u) -> Gathered {
  var gathered = Gathered(F32_MAX, -F32_MAX, 0.0, 0u, 0u);
  let base = view.slice * view.cells.x * view.cells.y;
  for (var row = first.x; row < end.x; row++) {
    for (var col = first.y; col < end.y; col++) {
      let i = base + row * view.cells.y + col;
      if (view.from_cells == 1u) {
        let n = source[i * 4u + 3u];
        gathered.low = min(gathered.low, bitcast<f32>(source[i * 4u]));
        gathered.high = max(gathered.high, bitcast<f32>(source[i * 4u + 1u]));
        gathered.sum += bitcast<f32>(source[i * 4u + 2u]) * f32(n & ~BAD);
        gathered.count += n & ~BAD;
        gathered.bad |= n & BAD;
      } else {
        let bits = source[i];
        if (finite(bits)) {
          let value = bitcast<f32>(bits);
          gathered.low = min(gathered.low, value);
          gathered.high = max(gathered.high, value);
          gathered.sum += value;
          gathered.count += 1u;
        } else {
          gathered.bad = BAD;
        }
      }
    }
  }
  return gathered;
}

fn colour_range() -> vec2f {
  if (view.automatic == 0u) { return view.range; }
  if ((extremes[3] & ~BAD) == 0u) { return vec2f(); }
  let range = vec2f(bitcast<f32>(extremes[0]), bitcast<f32>(extremes[1]));
  let reach = max(abs(range.x), abs(range.y));
  return select(range, vec2f(-reach, reach), view.symmetric == 1u);
}

fn bend(value: f32, reach: f32) -> f32 {
  if (view.symlog == 0u || reach == 0.0) { return value; }
  return sign(value) * log(1.0 + abs(value) / reach * KNEE);
}

fn palette_at(share: f32) -> vec4f {
  let at = clamp(share, 0.0, 1.0) * f32(STOPS - 1u);
  let stop = min(u32(at), STOPS - 2u);
  return mix(view.palette[stop], view.palette[stop + 1u], at - f32(stop));
}

fn colour_of(value: f32) -> vec4f {
  let range = colour_range();
  let reach = max(abs(range.x), abs(range.y));
  let low = bend(range.x, reach);
  let high = bend(range.y, reach);
  if (!(high > low)) { return palette_at(select(0.0, 0.5, view.symmetric == 1u)); }
  return palette_at((bend(value, reach) - low) / (high - low));
}

// The outline runs just outside the cursor's element, so that its own colour stays in sight.
fn outlined(pixel: vec2f) -> bool {
  if (view.cursor.x < 0.0) { return false; }
  let begin = (view.cursor - view.origin) / view.per_pixel;
  let end = (view.cursor + 1.0 - view.origin) / view.per_pixel;
  let outside = max(begin - pixel, pixel - end);
  let distance = max(outside.x, outside.y);
  return distance > 0.0 && distance <= OUTLINE;
}

@vertex
fn corner(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
  return vec4f(f32(i & 1u) * 4.0 - 1.0, f32(i >> 1u) * 4.0 - 1.0, 0.0, 1.0);
}

@fragment
fn pixel(@builtin(position) position: vec4f) -> @location(0) vec4f {
  let pixel = position.yx; // rows first, as everywhere
  let centre = view.origin + pixel * view.per_pixel;
  if (outlined(pixel)) { return view.mark; }
  if (any(centre < vec2f()) || any(centre >= vec2f(view.size))) { return view.blank; }
  let begin = view.origin + (pixel - 0.5) * view.per_pixel;
  let end = begin + view.per_pixel;
  let cell = vec2f(view.cell);
  let under = vec2u(floor(centre / cell));
  let first = vec2u(max(vec2f(), ceil(begin / cell)));
  let last = min(view.cells, vec2u(max(vec2f(), ceil(end / cell))));
  let covers = vec2<bool>(last.x > first.x && view.per_pixel.x > 1.0, last.y > first.y && view.per_pixel.y > 1.0);
  let gathered = gather(select(under, first, covers), select(under + 1u, last, covers));
  if (gathered.bad != 0u) {
    return view.hatch[(u32(pixel.x) + u32(pixel.y)) / (STRIPE / 2u) % 2u];
  }
  let peak = select(gathered.low, gathered.high, abs(gathered.high) >= abs(gathered.low));
  return colour_of(select(peak, gathered.sum / f32(max(1u, gathered.count)), view.mean == 1u));
}
