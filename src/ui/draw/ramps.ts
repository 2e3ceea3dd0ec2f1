import { mixStops, type Oklch, type Rgb } from './oklch.ts'

export type Palette = 'sequential' | 'diverging'
export type Shade = 'light' | 'dark'

/**
 * Data colours of tensors. Sequential runs from the paper to one deep hue; diverging has blue below zero and orange above,
 * a pair that every common colour-vision deficiency tells apart, with the paper's own lightness at zero.
 */
const STOPS: Readonly<Record<Palette, Readonly<Record<Shade, readonly Oklch[]>>>> = {
  sequential: {
    light: [
      [0.965, 0.008, 100],
      [0.9, 0.055, 165],
      [0.78, 0.085, 215],
      [0.6, 0.12, 245],
      [0.42, 0.13, 262],
      [0.27, 0.09, 270],
    ],
    dark: [
      [0.21, 0.01, 265],
      [0.3, 0.06, 262],
      [0.43, 0.1, 248],
      [0.58, 0.105, 220],
      [0.75, 0.1, 190],
      [0.93, 0.07, 130],
    ],
  },
  diverging: {
    light: [
      [0.33, 0.12, 262],
      [0.53, 0.14, 252],
      [0.75, 0.095, 243],
      [0.968, 0.004, 90],
      [0.8, 0.105, 68],
      [0.61, 0.145, 50],
      [0.41, 0.115, 38],
    ],
    dark: [
      [0.87, 0.075, 225],
      [0.68, 0.12, 240],
      [0.45, 0.11, 255],
      [0.215, 0.008, 260],
      [0.46, 0.1, 45],
      [0.7, 0.13, 58],
      [0.9, 0.09, 80],
    ],
  },
}

/** Colour of a value that is no number, outside both ramps. */
const NOT_A_NUMBER: Readonly<Record<Shade, Rgb>> = { light: [214, 0, 147], dark: [255, 92, 205] }

/** Colours of a ramp before the one that stands for NaN. */
export const RAMP = 256

const built = new Map<string, Uint32Array>()

/** {@link RAMP} colours as little-endian RGBA words, and one more for NaN. */
export function rampWords(palette: Palette, shade: Shade): Uint32Array {
  const key = `${palette}:${shade}`
  const found = built.get(key)
  if (found !== undefined) return found
  const words = new Uint32Array(RAMP + 1)
  const pack = ([red, green, blue]: Rgb): number => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0
  for (let i = 0; i < RAMP; i++) words[i] = pack(mixStops(STOPS[palette][shade], i / (RAMP - 1)))
  words[RAMP] = pack(NOT_A_NUMBER[shade])
  built.set(key, words)
  return words
}

/** A CSS gradient of a ramp, for its legend. */
export function rampGradient(palette: Palette, shade: Shade): string {
  const stops = STOPS[palette][shade]
  const colours = Array.from({ length: 13 }, (_, i) => `rgb(${mixStops(stops, i / 12).join(' ')})`)
  return `linear-gradient(to right, ${colours.join(', ')})`
}
