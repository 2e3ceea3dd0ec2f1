import { expect, test } from 'vitest'
import { palette } from '../../src/gpu/heatmapPalette.ts'
import { autoRange, colourIndex, rasterise, zoomWindow } from '../../src/ui/draw/heatmap.ts'
import { RAMP, rampColour, rampRgba } from '../../src/ui/draw/ramps.ts'
import { writeCsv, writeNpy, writeTable } from '../../src/ui/draw/tensorFiles.ts'
import { gridOf, splitWgsl } from '../../src/ui/views/steps/wgsl.ts'

const ramp = Uint32Array.from({ length: RAMP + 1 }, (_, index) => index)

test('of the cells behind a pixel the largest in magnitude shows', () => {
  const data = new Float32Array(100 * 100)
  data[37 * 100 + 61] = -5
  const plane = { data, offset: 0, rows: 100, cols: 100 }
  const full = { row: 0, col: 0, rows: 100, cols: 100 }
  const { pixels, width } = rasterise(plane, full, { width: 10, height: 10 }, [-5, 5], ramp)
  expect(pixels[3 * width + 6]).toBe(0)
  expect(pixels.filter((pixel) => pixel === RAMP / 2)).toHaveLength(99)
})

test('a window is drawn as its whole cells', () => {
  const plane = { data: Float32Array.from({ length: 12 }, (_, i) => i), offset: 0, rows: 3, cols: 4 }
  const view = { row: 0.5, col: 1.2, rows: 1.2, cols: 1.6 }
  const { cells, width, height, pixels } = rasterise(plane, view, { width: 99, height: 99 }, [0, RAMP], ramp)
  expect([cells, width, height]).toEqual([{ row: 0, col: 1, rows: 2, cols: 2 }, 2, 2])
  expect([...pixels]).toEqual([1, 2, 5, 6])
})

test('values beyond the range take its ends, NaN a colour of its own', () => {
  expect([-9, -1, 0, 0.999, 9, Number.NaN].map((value) => colourIndex(value, [-1, 1]))).toEqual([
    0,
    0,
    RAMP / 2,
    RAMP - 1,
    RAMP - 1,
    RAMP,
  ])
})

test('the range covers the values, not the outliers', () => {
  const data = Float32Array.from({ length: 10_000 }, (_, index) => (index % 101) / 100 - 0.5)
  data[5] = 900
  data[7] = Number.NaN
  const [low, high] = autoRange(data, 'diverging')
  expect(high).toBeCloseTo(0.5, 6)
  expect(low).toBe(-high)
  expect(autoRange(Float32Array.of(0, 0.25), 'sequential')).toEqual([0, 0.25])
  expect(autoRange(new Float32Array(4), 'diverging')).toEqual([-1, 1])
})

test('zooming keeps the point under the pointer and stays inside', () => {
  const plane = { rows: 100, cols: 100 }
  const full = { row: 0, col: 0, ...plane }
  const near = zoomWindow(full, 0.5, { x: 0.5, y: 0.25 }, plane)
  expect(near).toEqual({ row: 12.5, col: 25, rows: 50, cols: 50 })
  expect(zoomWindow(near, 100, { x: 0, y: 0 }, plane)).toEqual(full)
})

test('the page’s colours are those the GPU draws with', () => {
  for (const name of ['sequential', 'diverging'] as const) {
    for (const shade of ['light', 'dark'] as const) {
      palette(name, shade).forEach((colour, index, all) => {
        const here = rampColour(name, shade, index / (all.length - 1))
        // Every other stop is stored; between two of them the mixture may differ by a little.
        colour.forEach((channel, axis) => expect(Math.abs(here[axis]! - channel * 255)).toBeLessThan(14))
      })
    }
  }
  expect(rampRgba('diverging', 'light')).toHaveLength(RAMP + 1)
})

test('a .npy file has a padded header and little-endian f32 in C order', async () => {
  const blob = writeNpy({ shape: [2, 3], data: Float32Array.of(0, 1, 2, 3, 4, 5.5) })
  const bytes = new Uint8Array(await blob.arrayBuffer())
  const length = 10 + bytes[8]! + 256 * bytes[9]!
  expect(length % 64).toBe(0)
  expect(String.fromCharCode(...bytes.subarray(1, 6))).toBe('NUMPY')
  expect(new TextDecoder().decode(bytes.subarray(10, length))).toMatch(
    /^\{'descr': '<f4', 'fortran_order': False, 'shape': \(2, 3\), \} *\n$/,
  )
  expect(new DataView(bytes.buffer).getFloat32(length + 20, true)).toBe(5.5)
})

test('CSV names every axis', async () => {
  const data = Float32Array.from({ length: 8 }, (_, index) => index / 4)
  const text = await (await writeCsv({ shape: [2, 2, 2], data })).text()
  expect(text).toBe('axis0,axis1,c0,c1\n0,0,0,0.25\n0,1,0.5,0.75\n1,0,1,1.25\n1,1,1.5,1.75\n')
})

test('CSV names rows by their tokens; tables quote what would break a line', async () => {
  const text = await (await writeCsv({ shape: [2, 1], data: Float32Array.of(1, 2) }, ['a,b', '"x'])).text()
  expect(text).toBe('axis0,token,c0\n0,"a,b",1\n1,"""x",2\n')
  const table = await writeTable(
    ['id', 'text'],
    [
      [1, 'a\nb'],
      [null, 'c'],
    ],
  ).text()
  expect(table).toBe('id,text\n1,"a\nb"\n,c\n')
})

test('shader text is split without loss', () => {
  const text =
    '// y = x\n//   grid: ⌈n / 64⌉ × rows\n@compute fn main() { let a: vec4f = vec4f(1.5e-3, 0x1fu); }'
  const tokens = splitWgsl(text)
  expect(tokens.map((token) => token.text).join('')).toBe(text)
  expect(tokens.filter(({ kind }) => kind !== 'plain').map((token) => token.text)).toEqual([
    '// y = x',
    '//   grid: ⌈n / 64⌉ × rows',
    '@compute',
    'fn',
    'let',
    'vec4f',
    'vec4f',
    '1.5e-3',
    '0x1fu',
  ])
  expect(gridOf(text)).toBe('⌈n / 64⌉ × rows')
})
