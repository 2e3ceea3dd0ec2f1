import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { ShaderSource } from '../../src/gpu/shader.ts'
import type { Dispatch, KernelParams } from '../../src/ops/op.ts'
import { packParams, paramFields } from '../../src/run/params.ts'

const KERNELS = join(import.meta.dirname, '../../shaders/ops')

/** A kernel behind the provider that it is composed with. */
const kernel = (text: string): ShaderSource => ({
  label: 'sample',
  files: [
    { name: 'lib', text: 'struct Params { wrong: u32 }' },
    { name: 'sample', text },
  ],
  consts: {},
})

const SAMPLE = kernel(`
struct Params {
  // Width: of a row.
  width: u32,
  eps: f32, // added: to the mean
  rows : u32
}`)

const dispatch = (shader: ShaderSource, params: KernelParams): Dispatch => ({
  shader,
  bindings: [],
  params,
  grid: [1, 1, 1],
})

test('fields are those of the kernel itself, in the order of its source', () => {
  expect(paramFields(SAMPLE)).toEqual([
    { name: 'width', type: 'u32' },
    { name: 'eps', type: 'f32' },
    { name: 'rows', type: 'u32' },
  ])
})

test('numbers are packed by name, each dispatch in a slice of its own', () => {
  const bytes = packParams(
    [
      dispatch(SAMPLE, { rows: 0xffff_ffff, width: 7, eps: 1e-5 }),
      dispatch(kernel('struct Params { n: u32 }'), { n: 3 }),
    ],
    256,
  )
  expect(bytes.byteLength).toBe(512)
  const view = new DataView(bytes)
  expect([0, 8, 256].map((at) => view.getUint32(at, true))).toEqual([7, 0xffff_ffff, 3])
  expect(view.getFloat32(4, true)).toBe(Math.fround(1e-5))
  expect([...new Uint8Array(bytes, 12, 244)].every((byte) => byte === 0)).toBe(true)
  expect(packParams([], 256).byteLength).toBe(256)
})

describe('what does not fit is a bug', () => {
  test.each([
    ['a name is missing', { width: 1, eps: 1 }, /given its parameters/],
    ['a name is too much', { width: 1, eps: 1, rows: 1, more: 1 }, /given its parameters/],
    ['a name is another', { width: 1, eps: 1, row: 1 }, /given rows/],
  ])('%s', (_, params, says) => {
    expect(() => packParams([dispatch(SAMPLE, params as unknown as KernelParams)], 256)).toThrow(says)
  })

  test.each([
    ['a type of another size', kernel('struct Params { at: vec4<f32> }'), /at is u32 or f32/],
    ['a signed number', kernel('struct Params { at: i32 }'), /at is u32 or f32/],
    ['no struct', kernel('@compute fn main() {}'), /declares its parameters/],
  ])('%s', (_, shader, says) => expect(() => paramFields(shader)).toThrow(says))

  test('more than a slice holds', () => {
    const fields = Array.from({ length: 5 }, (_, i) => `f${i}`)
    const wide = kernel(`struct Params { ${fields.map((name) => `${name}: u32`).join(', ')} }`)
    const params = Object.fromEntries(fields.map((name, i) => [name, i]))
    expect(() => packParams([dispatch(wide, params)], 16)).toThrow(/fit their slice/)
  })
})

describe('every kernel', () => {
  const kernels = readdirSync(KERNELS)
    .map((name) => ({ name, text: readFileSync(join(KERNELS, name), 'utf8') }))
    .filter(({ text }) => text.includes('struct Params'))

  test('is read', () => expect(kernels.length).toBeGreaterThan(20))

  test.each(kernels)('$name: parameters of four bytes, no name twice', ({ name, text }) => {
    const fields = paramFields({ label: name, files: [{ name, text }], consts: {} })
    const body = /struct Params \{([^}]*)\}/.exec(text)?.[1] ?? ''
    const declared = body.replace(/\/\/.*$/gm, '').match(/:/g)
    expect(fields.length, 'every declaration is a field').toBe(declared?.length)
    expect(new Set(fields.map((field) => field.name)).size).toBe(fields.length)
    expect(fields.length * 4).toBeLessThanOrEqual(256)
  })
})
