/** An sRGB colour, each channel in [0, 1]. */
export type Colour = readonly [red: number, green: number, blue: number]

export type PaletteTheme = 'light' | 'dark'
export type PaletteName = 'sequential' | 'diverging'

/** Colours of a palette, evenly spaced; the shader interpolates between them. */
export const STOPS = 33

/** Nine-class Blues and Oranges of ColorBrewer (Brewer & Harrower 2002), from pale to strong. */
const BLUES = 'f7fbff deebf7 c6dbef 9ecae1 6baed6 4292c6 2171b5 08519c 08306b'
const ORANGES = 'fff5eb fee6ce fdd0a2 fdae6b fd8d3c f16913 d94801 a63603 7f2704'

/** OKLab lightness from the neutral end of a ramp to its strong end: dark ink on paper by day, light on dark by night. */
const LIGHTNESS: Record<PaletteTheme, readonly [neutral: number, strong: number]> = {
  light: [0.975, 0.34],
  dark: [0.2, 0.9],
}

type Lab = readonly [lightness: number, a: number, b: number]

const toLinear = (c: number): number => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
const toSrgb = (c: number): number => (c <= 0.0031308 ? c * 12.92 : 1.055 * c ** (1 / 2.4) - 0.055)

export function parseHex(hex: string): Colour {
  const [red = 0, green = 0, blue = 0] = [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
  return [red, green, blue]
}

/** OKLab (Ottosson 2020). */
function toLab(colour: Colour): Lab {
  const [r, g, b] = colour.map(toLinear) as unknown as Colour
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ]
}

function fromLab([lightness, a, b]: Lab): Colour {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
  return [
    toSrgb(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    toSrgb(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    toSrgb(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ]
}

/** The colour of this lightness and hue that is as strong as asked for, or as the screen can show. */
function inGamut([lightness, a, b]: Lab): Colour {
  for (let strength = 1; strength > 0; strength -= 0.02) {
    const colour = fromLab([lightness, a * strength, b * strength])
    if (colour.every((c) => c >= 0 && c <= 1)) return colour
  }
  return fromLab([lightness, 0, 0]).map((c) => Math.min(1, Math.max(0, c))) as unknown as Colour
}

/** A ramp of even steps in lightness, with hue and strength of published colours. */
function ramp(colours: string, theme: PaletteTheme): (share: number) => Colour {
  const stops = colours.split(' ').map((hex) => toLab(parseHex(hex)))
  const [neutral, strong] = LIGHTNESS[theme]
  return (share) => {
    const at = share * (stops.length - 1)
    const i = Math.min(stops.length - 2, Math.floor(at))
    const [from, to] = [stops[i] ?? [0, 0, 0], stops[i + 1] ?? [0, 0, 0]]
    const blend = (channel: 1 | 2): number => from[channel] + (to[channel] - from[channel]) * (at - i)
    return inGamut([neutral + (strong - neutral) * share, blend(1), blend(2)])
  }
}

/** The arms of a diverging palette meet in a colour without hue, so that neither side owns zero. */
function arm(colours: string, theme: PaletteTheme): (share: number) => Colour {
  const full = ramp(colours, theme)
  const [neutral] = LIGHTNESS[theme]
  return (share) => (share === 0 ? inGamut([neutral, 0, 0]) : full(share))
}

/**
 * {@link STOPS} colours. Sequential: one blue ramp from the low end. Diverging: blue for negative, orange for positive, equally
 * strong at equal magnitude: told apart under every common colour blindness.
 */
export function palette(name: PaletteName, theme: PaletteTheme): Colour[] {
  const shares = Array.from({ length: STOPS }, (_, i) => i / (STOPS - 1))
  if (name === 'sequential') return shares.map(ramp(BLUES, theme))
  const [below, above] = [arm(BLUES, theme), arm(ORANGES, theme)]
  return shares.map((share) => (share < 0.5 ? below(1 - 2 * share) : above(2 * share - 1)))
}

/** Colours that are no data: outside the tensor, the cursor's outline, stripes over NaN and infinity. */
export const SIGNS: Record<PaletteTheme, { blank: Colour; mark: Colour; hatch: readonly [Colour, Colour] }> =
  {
    light: {
      blank: parseHex('eceae6'),
      mark: parseHex('1b1b1f'),
      hatch: [parseHex('b0006d'), parseHex('f6d3e6')],
    },
    dark: {
      blank: parseHex('101114'),
      mark: parseHex('f4f2ee'),
      hatch: [parseHex('ff5cb8'), parseHex('3c1029')],
    },
  }
