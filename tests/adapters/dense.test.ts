import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { adaptedWeight, denseDelta, doraScaleOf } from '../../src/adapters/dense.ts'
import type { ParsedAdapter } from '../../src/adapters/types.ts'
import { FIXTURES, loadCase, readBase, type Base } from './fixture.ts'

const CASES = readdirSync(join(FIXTURES, 'peft'))
const PEFT = JSON.parse(readFileSync(join(FIXTURES, 'adapters/dense.json'), 'utf8')) as Record<
  string,
  Record<string, number[]>
>
/** Values are kept to 9 digits; both sides compute in f64 from the same f32 values. */
const TOLERANCE = 2e-8

async function loadWithBase(name: string): Promise<{ base: Base; adapter: ParsedAdapter }> {
  const { base } = JSON.parse(readFileSync(join(FIXTURES, 'peft', name, 'expected.json'), 'utf8')) as {
    base: string
  }
  const read = await readBase(base)
  return { base: read, adapter: await loadCase(name, read.model) }
}

/** What the fixture's script asks each module for. */
function project(
  { model, weights }: Base,
  step: string,
  read: (name: string) => ArrayLike<number>,
): number[] {
  const weight = read(step)
  const bias = weights.has(`${step}.bias`) ? read(`${step}.bias`) : null
  if (step.endsWith('norm')) return [...Array.from(weight), ...(bias ? Array.from(bias) : [])]
  const shapeOf = (name: string): readonly number[] | undefined =>
    model.params.find((param) => param.name === name)?.shape
  // A tied head is the embedding's.
  const width = (shapeOf(step) ?? shapeOf('embed'))?.[1] ?? model.hidden
  return Array.from({ length: weight.length / width }, (_, row) => {
    let sum = bias?.[row] ?? 0
    for (let i = 0; i < width; i++) sum += (weight[row * width + i] ?? 0) * Math.cos(1 + 0.7 * i)
    return sum
  })
}

function apart(a: readonly number[], b: readonly number[]): number {
  expect(a.length).toBe(b.length)
  const size = Math.max(1, ...b.map(Math.abs))
  return Math.max(...a.map((value, n) => Math.abs(value - (b[n] ?? NaN)))) / size
}

describe('adapted modules equal those of PEFT', () => {
  it('covers every case', () => expect(Object.keys(PEFT).sort()).toEqual(CASES.sort()))

  it.each(CASES)('%s', async (name) => {
    const { base, adapter } = await loadWithBase(name)
    const expected = PEFT[name] ?? {}
    const plain = (step: string): ArrayLike<number> => base.weights.get(step) ?? []
    const adapted = (step: string): ArrayLike<number> =>
      adaptedWeight(adapter, step, plain(step)) ?? plain(step)
    // Experts are no modules of their own: the logits of these adapters are PEFT's (tests/gpu/adapters.peft.test.ts).
    const onExperts = (step: string): boolean => adapter.experts?.some((lora) => lora.step === step) === true
    const steps = [...base.weights.keys()].filter((step) => !step.endsWith('.bias') && !onExperts(step))
    for (const step of steps) {
      const got = project(base, step, adapted)
      const wanted = expected[step] ?? project(base, step, plain)
      expect(apart(got, wanted), step).toBeLessThan(TOLERANCE)
    }
    const known = new Set(steps)
    expect(Object.keys(expected).filter((step) => !known.has(step))).toEqual([])
  })
})

describe('scale', () => {
  it.each(['llama-dora', 'gpt2-bias-all', 'llama-save-head'])(
    '0 gives the base bit for bit: %s',
    async (name) => {
      const { base, adapter } = await loadWithBase(name)
      for (const [step, weight] of base.weights) {
        const adapted = adaptedWeight(adapter, step, weight, 0)
        if (adapted) expect(Float32Array.from(adapted)).toEqual(weight)
      }
    },
  )

  it('is linear, negative values included', async () => {
    const { base, adapter } = await loadWithBase('llama-plain')
    const module = adapter.modules[0]!
    const weight = base.weights.get(module.step)!
    const delta = denseDelta(module)
    const adapted = adaptedWeight(adapter, module.step, weight, -1.5)!
    const error = Math.max(...adapted.map((value, n) => Math.abs(value - (weight[n]! - 1.5 * delta[n]!))))
    // One rounding of f64 at values around 1.
    expect(error).toBeLessThan(1e-15)
  })
})

describe('shared factors', () => {
  it('keeps one A for q, k and v of c_attn and splits B', async () => {
    const { base, adapter } = await loadWithBase('gpt2-dora')
    const [q, k, v] = adapter.modules
    expect([q?.step, k?.step, v?.step]).toEqual(['layers.0.attn.q', 'layers.0.attn.k', 'layers.0.attn.v'])
    expect(k?.a).toBe(q?.a)
    expect(v?.a).toBe(q?.a)
    const { hidden } = base.model
    expect([q?.rows, k?.rows, v?.rows]).toEqual([
      [0, hidden],
      [hidden, 2 * hidden],
      [2 * hidden, 3 * hidden],
    ])
    expect(k?.b.length).toBe(hidden * (k?.rank ?? 0))
    expect(v?.magnitude?.length).toBe(hidden)
  })

  it('gives DoRA gains that turn W + sBA into the adapted weight', async () => {
    const { base, adapter } = await loadWithBase('llama-embedding-dora')
    for (const module of adapter.modules) {
      const weight = base.weights.get(module.step)!
      const doraScale = doraScaleOf(module, weight)
      const delta = denseDelta(module)
      const adapted = adaptedWeight(adapter, module.step, weight)!
      const column = (n: number): number =>
        module.kind === 'embedding' ? n % module.out : Math.floor(n / module.in)
      const error = adapted.map((value, n) =>
        Math.abs(value - doraScale[column(n)]! * (weight[n]! + delta[n]!)),
      )
      expect(Math.max(...error)).toBeLessThan(1e-14)
    }
  })
})
