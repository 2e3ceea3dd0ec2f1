/** 8-bit sRGB. */
export type Rgb = readonly [red: number, green: number, blue: number]

/** Lightness 0…1, chroma, hue in degrees. */
export type Oklch = readonly [lightness: number, chroma: number, hue: number]

function gamma(linear: number): number {
  const value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055
  return Math.round(255 * Math.min(1, Math.max(0, value)))
}

type Triple = readonly [number, number, number]

const toOklab = ([lightness, chroma, hue]: Oklch): Triple => {
  const angle = (hue * Math.PI) / 180
  return [lightness, chroma * Math.cos(angle), chroma * Math.sin(angle)]
}

/** OKLab to sRGB with the published matrices (Björn Ottosson, 2020); out-of-gamut channels are clipped. */
function oklabToRgb([lightness, a, b]: Triple): Rgb {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
  return [
    gamma(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    gamma(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    gamma(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ]
}

/** A colour at `share` 0…1 along evenly spaced stops, mixed in OKLab. */
export function mixStops(stops: readonly Oklch[], share: number): Rgb {
  const at = Math.min(1, Math.max(0, share)) * (stops.length - 1)
  const index = Math.min(stops.length - 2, Math.floor(at))
  const from = toOklab(stops[index] ?? [0, 0, 0])
  const to = toOklab(stops[index + 1] ?? [0, 0, 0])
  const part = at - index
  const mix = (axis: 0 | 1 | 2): number => from[axis] + (to[axis] - from[axis]) * part
  return oklabToRgb([mix(0), mix(1), mix(2)])
}
