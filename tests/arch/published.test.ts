import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { MODEL_TYPES, describeModel } from '../describeModel.ts'
import type { ModelDescription } from '../../src/arch/spec.ts'
import { TokenscopeError } from '../../src/errors.ts'
import type { TensorInfo } from '../../src/formats/tensors.ts'
import { isOp } from '../../src/program/step.ts'

const SHARED = resolve(process.env['TOKENSCOPE_SHARED'] ?? join(import.meta.dirname, '../../../shared'))
const FILE = join(SHARED, 'wild/model-configs.jsonl')
const MISSING = 'skipped: needs shared data'

interface Kind {
  /** Layers these tensors are in: `0-15`, or a list. */
  layers: string | readonly number[]
  tensors: Record<string, number[]>
}

interface Published {
  id: string
  config: Record<string, unknown>
  transformers: {
    tensors?: { top: Record<string, number[]>; layers: { prefix: string; kinds: Kind[] }[] } | null
    /** Values behind Transformers' own defaults. */
    reads?: Record<string, unknown> | null
  }
}

function numbersOf(ranges: Kind['layers']): readonly number[] {
  if (typeof ranges !== 'string') return ranges
  return ranges.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.trim().split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
}

/** The tensors Transformers builds from a config, nothing behind them. */
function tensorsOf({ transformers: { tensors } }: Published): Map<string, TensorInfo> {
  const shapes = new Map(Object.entries(tensors?.top ?? {}))
  for (const { prefix, kinds } of tensors?.layers ?? []) {
    for (const { layers, tensors: own } of kinds) {
      for (const n of numbersOf(layers)) {
        for (const [name, shape] of Object.entries(own)) shapes.set(`${prefix}${n}.${name}`, shape)
      }
    }
  }
  return new Map(
    [...shapes].map(([name, shape]) => [
      name,
      { name, shape, dtype: 'F16' as const, file: 'model.safetensors', begin: 0, end: 0 },
    ]),
  )
}

const published = existsSync(FILE)
  ? readFileSync(FILE, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Published)
  : []

const known = new Set(MODEL_TYPES)
const isKnown = ({ config }: Published): boolean => known.has(String(config['model_type']))
const isPacked = ({ config }: Published): boolean => (config['quantization_config'] ?? null) !== null

/** What Transformers reads of a config, under the names of the description. */
function expectRead(model: ModelDescription, reads: Record<string, unknown>): void {
  const { eps, rope, bos, eos, tied, ...sizes } = reads
  expect(model).toMatchObject(sizes)
  expect(model.tiedLmHead).toBe(tied)
  expect(model.bosId).toBe(bos)
  expect(model.eosIds).toEqual([eos].flat())
  const { steps } = model.record({ rows: 1, logitRows: 1, positions: 1 })
  for (const step of steps) {
    if (isOp(step, 'rms_norm', 'layer_norm')) expect(step.attrs.eps).toBe(eps)
    const theta = (rope as { rope_theta?: number } | null)?.rope_theta
    if (isOp(step, 'rope')) expect(step.attrs.table.theta).toBe(theta)
  }
}

function refusal(run: () => unknown): TokenscopeError {
  try {
    run()
  } catch (error) {
    if (error instanceof TokenscopeError) return error
    throw error
  }
  return expect.fail('it was accepted')
}

const cases = published.map((entry) => ({ ...entry, type: String(entry.config['model_type']) }))

describe.skipIf(published.length === 0)('published configs', () => {
  // Opening a packed checkpoint takes the packing away, tensors and field (tests/formats/packed.test.ts).
  test.each(cases.filter(isKnown))(
    '$id $type is read as Transformers reads it, every tensor in its place',
    (entry) => {
      const { quantization_config: _, ...config } = entry.config
      const model = describeModel(config, tensorsOf(entry))
      expect(model.warnings.filter((line) => line.includes('does not use'))).toEqual([])
      const { reads } = entry.transformers
      if (reads) expectRead(model, reads)
    },
  )

  test.each(cases.filter((entry) => !isKnown(entry) || isPacked(entry)))(
    '$id $type is refused by name',
    (entry) => {
      const error = refusal(() => describeModel(entry.config, tensorsOf(entry)))
      expect(error.code).toBe('unsupported')
      expect(error.message).toContain(isKnown(entry) ? 'quantization_config' : entry.type)
    },
  )
})

test.skipIf(published.length > 0)(`published configs (${MISSING})`, ({ skip }) => skip(MISSING))
