export type Palette = 'sequential' | 'diverging'
export type Shade = 'light' | 'dark'

/**
 * Data colours of tensors, evenly spaced: ramps of even steps in lightness with the hues of ColorBrewer's Blues and Oranges,
 * which every common colour-vision deficiency tells apart. The GPU draws with the same ones; a test holds them together.
 */
const STOPS: Readonly<Record<Palette, Readonly<Record<Shade, string>>>> = {
  sequential: {
    light:
      'f3f7fb e2ebf3 d2deea c1d2e2 b1c6d9 9cbbd0 86b1c7 6fa6c4 579ac1 448ebb 2f81b4 2174af 1066a9 06589f 024b94 084083 0e3570',
    dark: '141619 1b2127 222c35 2a3744 324353 345163 365f73 366c89 36799f 3d86b3 4493c8 52a0de 60acf4 79b8ff 98c5fe b3d2fe ccdffe',
  },
  diverging: {
    light:
      '0e3570 024b94 1066a9 2f81b4 579ac1 86b1c7 b1c6d9 d2deea f7f7f7 f0d8c0 e6ba8c e39653 dc6f0f c35309 a93705 862900 641b00',
    dark: 'ccdffe 98c5fe 60acf4 4493c8 36799f 365f73 324353 222c35 161616 382713 5c3806 834702 ad5607 df5e05 fe794d ffa98d ffd3c5',
  },
}

/** Colour of a value that is no number, outside both ramps. */
const NOT_A_NUMBER: Readonly<Record<Shade, string>> = { light: 'b0006d', dark: 'ff5cb8' }

/** Colours of a ramp before the one that stands for NaN. */
export const RAMP = 256

/** Red, green and blue, 0…255. */
function channels(hex: string): number[] {
  return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16))
}

/** The colour at `share` 0…1 along a ramp. */
export function rampColour(palette: Palette, shade: Shade, share: number): number[] {
  const stops = STOPS[palette][shade].split(' ')
  const at = Math.min(1, Math.max(0, share)) * (stops.length - 1)
  const index = Math.min(stops.length - 2, Math.floor(at))
  const to = channels(stops[index + 1] ?? '')
  return channels(stops[index] ?? '').map((from, i) =>
    Math.round(from + ((to[i] ?? from) - from) * (at - index)),
  )
}

const built = new Map<string, Uint32Array>()

/** {@link RAMP} colours as little-endian RGBA words, and one more for NaN. */
export function rampRgba(palette: Palette, shade: Shade): Uint32Array {
  const key = `${palette}:${shade}`
  const cached = built.get(key)
  if (cached !== undefined) return cached
  const words = new Uint32Array(RAMP + 1)
  const pack = ([red = 0, green = 0, blue = 0]: number[]): number =>
    ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0
  for (let i = 0; i < RAMP; i++) words[i] = pack(rampColour(palette, shade, i / (RAMP - 1)))
  words[RAMP] = pack(channels(NOT_A_NUMBER[shade]))
  built.set(key, words)
  return words
}

/** The stops of a ramp, as the legend of a saved picture shows it. */
export const rampStops = (palette: Palette, shade: Shade): string[] =>
  STOPS[palette][shade].split(' ').map((hex) => `#${hex}`)

/** A CSS gradient of a ramp, for its legend. */
export function rampGradient(palette: Palette, shade: Shade): string {
  return `linear-gradient(to right, ${rampStops(palette, shade).join(', ')})`
}
