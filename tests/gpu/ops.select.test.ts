import { expect, test } from 'vitest'
import { randomUniform, seedWords } from '../../src/maths/rng.ts'
import { DEFAULT_SAMPLING, sampleStages } from '../../src/decode/samplers.ts'
import { BufferLedger } from '../../src/gpu/ledger.ts'
import { packBatch, type BatchRow, type LogitRow } from '../../src/run/batch.ts'
import { parseRecord, RECORD_BYTES, selectKernel, type SelectRecord } from '../../src/ops/select.ts'
import type { SamplingOptions } from '../../src/api/model.ts'
import { ALL } from '../all.ts'
import { randomSource } from '../random.ts'
import { topK } from '../reference.ts'
import { CANARY, openHarness, type Harness } from './opHarness.ts'
import { pairwise } from './pairwise.ts'

const FEATURES = ['', 'f16-', 'subgroups-', 'f16-subgroups-', 'perthread-', 'f16-perthread-'] as const
const WORKGROUPS = [32, 64, 128, 256] as const
const SLOTS = 16
const LAYOUT = [
  [0, 'read'],
  [1, 'uniform'],
  [2, 'read'],
  [3, 'write'],
  [4, 'write'],
] as const

const GREEDY: LogitRow = {
  ringRow: 0,
  candidates: 1,
  inverseTemperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  seed: [0, 0],
  counter: 0,
}

/** Runs the kernel on `logits` [ring, vocab]; one row of the batch each. Guards stand behind both outputs. */
async function runSelect(
  { pipelines, variant }: Harness,
  logits: Float32Array,
  vocab: number,
  wanted: readonly LogitRow[],
): Promise<{ records: SelectRecord[]; drawn: Uint32Array }> {
  const { device } = pipelines
  const ledger = new BufferLedger(device)
  const { STORAGE, UNIFORM, COPY_DST, COPY_SRC, MAP_READ } = GPUBufferUsage
  const make = (label: string, data: Uint32Array | Float32Array, usage: number) => {
    const buffer = ledger.create(label, data.byteLength, usage | COPY_DST | COPY_SRC)
    device.queue.writeBuffer(buffer.gpu, 0, data as Uint32Array<ArrayBuffer>)
    return buffer
  }
  const batch = wanted.map((row, i): BatchRow => ({
    token: 0,
    position: 0,
    pages: [],
    slot: i % SLOTS,
    logits: row,
  }))
  // One record and some slots more than are asked for.
  const recordWords = ((wanted.length + 1) * RECORD_BYTES) / 4
  try {
    const buffers = [
      make('batch', packBatch(batch, 32), STORAGE),
      make('params', new Uint32Array([vocab, 0, 0, 0]), UNIFORM),
      make('logits', logits, STORAGE),
      make('records', new Uint32Array(recordWords).fill(CANARY), STORAGE),
      make('drawn', new Uint32Array(SLOTS * 2).fill(CANARY), STORAGE),
    ]
    const { pipeline, layout } = await pipelines.get(selectKernel(variant), LAYOUT)
    const entries = buffers.map(({ gpu }, binding) => ({ binding, resource: { buffer: gpu } }))
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, device.createBindGroup({ layout, entries }))
    pass.dispatchWorkgroups(wanted.length)
    pass.end()
    const staging = ledger.create('staging', recordWords * 4 + SLOTS * 8, MAP_READ | COPY_DST)
    encoder.copyBufferToBuffer(buffers[3]!.gpu, 0, staging.gpu, 0, recordWords * 4)
    encoder.copyBufferToBuffer(buffers[4]!.gpu, 0, staging.gpu, recordWords * 4, SLOTS * 8)
    device.queue.submit([encoder.finish()])
    await staging.gpu.mapAsync(GPUMapMode.READ)
    const bytes = staging.gpu.getMappedRange().slice(0)
    const spare = new Uint32Array(bytes, wanted.length * RECORD_BYTES, RECORD_BYTES / 4)
    const drawn = new Uint32Array(bytes, recordWords * 4, SLOTS * 2)
    expect([...new Set([...spare, ...drawn.subarray(Math.min(SLOTS, wanted.length))])]).toEqual([CANARY])
    return { records: wanted.map((_, i) => parseRecord(bytes, i * RECORD_BYTES)), drawn }
  } finally {
    ledger.destroyAll()
  }
}

/** Logits of many equal values, −0 and +0 among them. */
function tiedLogits(vocab: number, seed: number): Float32Array {
  return randomSource(seed)
    .normal(vocab)
    .map((value, i) => (i % 7 === 3 ? -0 : Math.round(value * 2) / 2))
}

test('top-k for k = 1 to 256 with ties, log-sum-exp, on every variant', async () => {
  // A workgroup to each set of features; all of them with `npm run test:all`.
  const cases = pairwise({
    features: FEATURES,
    workgroup: WORKGROUPS,
    vocab: [3, 131, 256, 257, 4096],
    kind: ['normal', 'tied', 'outliers', 'equal'] as const,
  }).filter(({ features, workgroup }) => ALL || workgroup === WORKGROUPS[FEATURES.indexOf(features) % 4])
  const ks = [1, 2, 3, 5, 16, 31, 32, 33, 64, 100, 127, 128, 129, 200, 255, 256]
  await Promise.all(
    cases.map(async ({ features, workgroup, vocab, kind }, seed) => {
      const harness = await openHarness(`${features}wg${workgroup}`)
      if (!harness) return
      const random = randomSource(seed)
      const logits =
        kind === 'normal'
          ? random.normal(vocab, 3)
          : kind === 'tied'
            ? tiedLogits(vocab, seed)
            : kind === 'outliers'
              ? random.outliers(vocab)
              : new Float32Array(vocab).fill(-1.5)
      const { records } = await runSelect(
        harness,
        logits,
        vocab,
        ks.map((candidates) => ({ ...GREEDY, candidates })),
      )
      records.forEach((record, i) => {
        const expected = topK(logits, Math.min(ks[i]!, vocab))
        const at = `${features}wg${workgroup} vocab ${vocab} ${kind} k ${ks[i]}`
        expect([...record.ids], at).toEqual(expected.ids)
        expect(
          [...record.logits].map((v) => v + 0),
          at,
        ).toEqual(expected.values.map((v) => v + 0))
        // f32 rounding of a value up to 800, and of a sum of thousands of terms.
        expect(Math.abs(record.logSumExp - expected.logSumExp), at).toBeLessThan(1e-4)
        expect([record.token, record.notFinite, record.notCovered, record.random], at).toEqual([
          expected.ids[0],
          false,
          false,
          null,
        ])
      })
    }),
  )
})

test('every k from 1 to 256', async () => {
  const harness = await openHarness('wg32')
  const logits = tiedLogits(300, 4)
  const ks = Array.from({ length: 256 }, (_, i) => i + 1)
  const { records } = await runSelect(
    harness!,
    logits,
    300,
    ks.map((candidates) => ({ ...GREEDY, candidates })),
  )
  const all = topK(logits, 256).ids
  records.forEach((record, i) => expect([...record.ids]).toEqual(all.slice(0, i + 1)))
})

test('NaN and infinity anywhere are flagged; the draw lands in its slot', async () => {
  for (const name of ['wg32', 'subgroups-wg64', 'wg256', 'perthread-wg32']) {
    const harness = await openHarness(name)
    if (!harness) continue
    const vocab = 600
    const bad = [NaN, Infinity, -Infinity, 0]
    const logits = new Float32Array(bad.length * vocab)
    bad.forEach((value, row) => {
      logits.set(randomSource(row).normal(vocab), row * vocab)
      logits[row * vocab + 7 + 191 * row] = value
    })
    const rows = bad.map((_, ringRow) => ({ ...GREEDY, ringRow }))
    const { records, drawn } = await runSelect(harness, logits, vocab, rows)
    expect(records.map(({ notFinite }) => notFinite)).toEqual([true, true, true, false])
    expect(drawn[3]).toBe(topK(logits.subarray(3 * vocab), 1).ids[0])
  }
})

interface DrawCase {
  options: SamplingOptions
  candidates: number
  counter: number
}

function drawCases(count: number, seed: number): DrawCase[] {
  const random = randomSource(seed)
  const pick = <T>(list: readonly T[]): T => list[random.integer(list.length)]!
  return Array.from({ length: count }, (_, counter) => {
    const options: SamplingOptions = {
      ...DEFAULT_SAMPLING,
      temperature: pick([0, 0.1, 0.5, 0.8, 1, 1.5, 4]),
      topK: pick([0, 0, 0, 1, 5, 40, 256]),
      topP: pick([0.05, 0.5, 0.9, 0.95, 0.999, 1]),
      minP: pick([0, 0, 0.02, 0.1, 1]),
      seed: random.integer(2 ** 31) * 2 ** 20 + counter,
    }
    // What the engine asks for, or fewer: then the nucleus is often not covered.
    const candidates = options.topK > 0 ? pick([options.topK, 256, 3]) : pick([256, 256, 64, 8])
    return { options, candidates, counter }
  })
}

/** True when f32 may see a threshold on the other side: a mass, weight or sum within 1e-5 of it. */
function isDoubtful(logits: Float32Array, { options }: DrawCase, random: number): boolean {
  if (options.temperature === 0) return false
  const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-5 * Math.max(1e-3, Math.abs(b))
  const unfiltered = { ...options, topP: 1, minP: 0 }
  const { probabilities, cumulative } = sampleStages(logits, unfiltered, { seenIds: [], random })
  const final = sampleStages(logits, options, { seenIds: [], random })
  return (
    cumulative.some((sum) => options.topP < 1 && near(sum, options.topP)) ||
    probabilities.some(
      (p) => options.minP > 0 && options.minP < 1 && near(p / probabilities[0]!, options.minP),
    ) ||
    final.cumulative.some((sum, i) => i + 1 < final.cumulative.length && near(sum, random))
  )
}

function checkDraw(
  logits: Float32Array,
  vocab: number,
  c: DrawCase,
  record: SelectRecord,
): 'doubtful' | 'covered' | 'open' {
  const { options, counter } = c
  const random = randomUniform(options.seed, counter)
  const at = JSON.stringify(c)
  expect(record.random, at).toBe(options.temperature === 0 ? null : random)
  if (isDoubtful(logits, c, random)) return 'doubtful'
  const expected = sampleStages(logits, options, { seenIds: [], random })
  const kept = expected.ids.length
  const k = Math.min(c.candidates, vocab)
  // With all candidates kept, what lies beyond decides: the kernel may say either, but never a wrong token.
  if (options.temperature > 0 && kept !== k)
    expect(record.notCovered, at).toBe(kept > k || (options.topK > k && k < vocab && record.notCovered))
  if (record.notCovered) return 'open'
  expect(record.token, at).toBe(expected.chosen)
  return 'covered'
}

test.for([
  ['wg32', 131],
  ['wg64', 1000],
  ['perthread-wg32', 1000],
  ['f16-subgroups-wg32', 4096],
  ['wg256', 300],
] as const)('draws equal those of the host: %s, vocabulary of %i', async ([name, vocab], { skip }) => {
  const harness = await openHarness(name)
  if (!harness) return skip('skipped: this adapter lacks a feature of the variant')
  const cases = drawCases(160, vocab)
  const random = randomSource(vocab)
  const ring = 5
  const logits = new Float32Array(ring * vocab)
  for (let row = 0; row < ring; row++) logits.set(random.normal(vocab, [0.3, 1, 2, 4, 8][row]), row * vocab)
  const { records } = await runSelect(
    harness,
    logits,
    vocab,
    cases.map(({ options, candidates, counter }, i) => ({
      ringRow: i % ring,
      candidates,
      inverseTemperature: options.temperature === 0 ? 0 : 1 / options.temperature,
      topK: options.topK,
      topP: options.topP,
      minP: options.minP,
      seed: seedWords(options.seed),
      counter,
    })),
  )
  const seen = { doubtful: 0, covered: 0, open: 0 }
  records.forEach((record, i) => {
    const row = i % ring
    seen[checkDraw(logits.slice(row * vocab, (row + 1) * vocab), vocab, cases[i]!, record)] += 1
  })
  expect(seen.covered).toBeGreaterThan(80)
  expect(seen.open).toBeGreaterThan(5)
  expect(seen.doubtful).toBeLessThan(16)
})
