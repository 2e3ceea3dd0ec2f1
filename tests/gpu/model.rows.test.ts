import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Sequence } from '../../src/run/cache.ts'
import { BASE_CONDITIONS } from '../../src/run/conditions.ts'
import { traceSteps } from '../../src/inspect/trace.ts'
import type { Runner } from '../../src/run/runner.ts'
import type { LoadFormat } from '../../src/api/model.ts'
import { maxDifference } from '../nmse.ts'
import { randomSource } from '../random.ts'
import { expectSameLogits, forward, readJson, TALES, TINY, withRunner } from './modelFixtures.ts'

const start = (runner: Runner): Sequence => runner.sequences.fork(null, 0, '')

function tokens(count: number, seed: number, vocab: number): number[] {
  const random = randomSource(seed)
  return Array.from({ length: count }, () => random.integer(vocab))
}

/** Logits of every row from the fine chain, which the fixtures check. */
async function fineLogits(runner: Runner, ids: readonly number[]): Promise<Float32Array[]> {
  const { data } = (await traceSteps(runner, ids, ['logits'], BASE_CONDITIONS)).get('logits')!
  const { vocab } = runner.model
  return ids.map((_, row) => data.slice(row * vocab, (row + 1) * vocab))
}

const MODELS = [
  { name: 'the bundled model', folder: TALES, format: 'f16' },
  { name: 'qwen2', folder: join(TINY, 'qwen2'), format: 'f32' },
  { name: 'gpt2', folder: join(TINY, 'gpt2'), format: 'f32' },
] as const

test.each(MODELS)('$name: the lowered program equals the fine chain', async ({ folder, format }) => {
  await withRunner(folder, { format }, async (runner) => {
    const ids = tokens(40, 1, runner.model.vocab)
    const fine = await fineLogits(runner, ids)
    for (const rows of [1, 8, 40]) {
      const got = await forward(runner, [{ sequence: start(runner), tokens: ids.slice(0, rows) }], {
        wanted: Math.min(8, rows),
      })
      got.forEach((logits, i) =>
        expectSameLogits(logits, fine[rows - got.length + i]!, `${rows} rows, logits ${i}`),
      )
    }
  })
})

test.each(MODELS)('$name: any chunks of a prompt give the same logits', async ({ folder, format }) => {
  await withRunner(folder, { format }, async (runner) => {
    const ids = tokens(40, 2, runner.model.vocab)
    const [expected] = await forward(runner, [{ sequence: start(runner), tokens: ids }])
    const splits = [Array<number>(40).fill(1), [7, 1, 16, 16], [33, 7], [31, 1, 8], [8, 8, 8, 8, 8], [1, 39]]
    for (const split of splits) {
      const sequence = start(runner)
      let at = 0
      let got: Float32Array[] = []
      for (const size of split) {
        const wanted = at + size === ids.length ? 1 : 0
        got = await forward(runner, [{ sequence, tokens: ids.slice(at, at + size) }], { wanted })
        at += size
      }
      expectSameLogits(got[0], expected!, `chunks of ${split.join(', ')}`)
      runner.sequences.drop(sequence)
    }
  })
})

test('rows of several sequences in one forward give what each gives alone', async () => {
  await withRunner(TALES, { format: 'f16' }, async (runner) => {
    const { vocab } = runner.model
    for (const counts of [
      [20, 13, 5],
      [40, 1, 1],
      [1, 1, 1],
      [3, 2, 1],
    ]) {
      for (const interleave of [false, true]) {
        const before = counts.map((_, i) => tokens([45, 0, 32][i]!, 10 + i, vocab))
        const fresh = counts.map((count, i) => tokens(count, 20 + i, vocab))
        const sequences = counts.map(() => start(runner))
        for (const [i, sequence] of sequences.entries()) {
          if (before[i]!.length > 0) await forward(runner, [{ sequence, tokens: before[i]! }], { wanted: 0 })
        }
        const pieces = sequences.map((sequence, i) => ({ sequence, tokens: fresh[i]! }))
        const got = await forward(runner, pieces, { interleave })
        for (const [i, sequence] of sequences.entries()) {
          const separate = start(runner)
          const [expected] = await forward(runner, [
            { sequence: separate, tokens: [...before[i]!, ...fresh[i]!] },
          ])
          expectSameLogits(got[i], expected!, `rows ${counts.join(', ')}, sequence ${i}`)
          runner.sequences.drop(separate)
          runner.sequences.drop(sequence)
        }
      }
    }
  })
})

test('branches that share pages give what whole sequences give, and leave the parent alone', async () => {
  await withRunner(TALES, { format: 'f16' }, async (runner) => {
    const { vocab } = runner.model
    const ids = tokens(70, 3, vocab)
    const parent = start(runner)
    await forward(runner, [{ sequence: parent, tokens: ids }], { wanted: 0 })
    for (const at of [1, 31, 32, 33, 64, 70]) {
      const branch = runner.sequences.fork(parent, at, '')
      const own = tokens(9, 100 + at, vocab)
      const [got] = await forward(runner, [{ sequence: branch, tokens: own }])
      const separate = start(runner)
      const [expected] = await forward(runner, [
        { sequence: separate, tokens: [...ids.slice(0, at), ...own] },
      ])
      expectSameLogits(got, expected!, `a branch at ${at}`)
      runner.sequences.drop(separate)
      runner.sequences.drop(branch)
    }
    const [after] = await forward(runner, [{ sequence: parent, tokens: [5] }])
    const separate = start(runner)
    const [expected] = await forward(runner, [{ sequence: separate, tokens: [...ids, 5] }])
    expectSameLogits(after, expected!, 'the parent')
  })
})

test('inspecting in between changes nothing', async () => {
  await withRunner(TALES, { format: 'f16' }, async (runner) => {
    const ids = tokens(40, 4, runner.model.vocab)
    const other = tokens(21, 5, runner.model.vocab)
    async function run(inspect: boolean): Promise<Float32Array[]> {
      const sequence = start(runner)
      const logits: Float32Array[] = []
      let begin = 0
      for (const end of [17, 39, 40]) {
        logits.push(...(await forward(runner, [{ sequence, tokens: ids.slice(begin, end) }])))
        begin = end
        if (!inspect) continue
        await traceSteps(runner, other, ['layers.*.attn.probs', 'layers.*.resid'], BASE_CONDITIONS)
        await traceSteps(runner, ids.slice(0, end), ['layers.1.attn.scores', 'logits'], BASE_CONDITIONS)
      }
      return logits
    }
    // The same forwards in the same chunks: equal to the last bit.
    expect(await run(true)).toEqual(await run(false))
  })
})

interface Expected {
  ids: number[]
  logits: number[][]
  dequantised?: Record<string, number[][]>
}

const MATRICES = ['embed', 'layers.0.attn.q_k_v', 'layers.0.attn.o', 'layers.1.mlp.down']
const EXPERTS = ['embed', 'layers.0.mlp.gate', 'layers.1.mlp.up', 'layers.1.mlp.down']
const SHARDED = [
  { name: 'llama', format: 'f32', maxBytes: 64 + 3000 },
  { name: 'llama-tied-bias', format: 'f16', maxBytes: 64 + 1500 },
  { name: 'qwen2', format: 'f32', maxBytes: 64 + 2500 },
  { name: 'gpt2', format: 'f32', maxBytes: 64 + 2500 },
  { name: 'mistral', format: 'q8_0', maxBytes: 64 + 1000 },
  { name: 'mistral', format: 'q4_0', maxBytes: 64 + 600 },
  // Buffers end between experts.
  { name: 'mixtral', format: 'f32', maxBytes: 64 + 8000, of: EXPERTS },
  { name: 'gpt-oss', format: 'f32', maxBytes: 64 + 8000, of: EXPERTS },
] as const satisfies { name: string; format: LoadFormat; maxBytes: number; of?: readonly string[] }[]

test.each(SHARDED)('$name as $format in shards of rows', async ({ name, format, maxBytes, ...rest }) => {
  const expected = readJson(join(TINY, name, 'expected.json')) as Expected
  const dequantised = expected.dequantised?.[format]
  const wanted = (dequantised ?? expected.logits).slice(-4)
  await withRunner(join(TINY, name), { format, maxBytes }, async (runner) => {
    for (const matrix of 'of' in rest ? rest.of : MATRICES) {
      const { shards } = runner.weights.view(matrix).matrix
      expect(shards.length, matrix).toBeGreaterThan(1)
      for (const { buffer } of shards) expect(buffer.bytes).toBeLessThanOrEqual(maxBytes)
    }
    const { ids } = expected
    const fine = await fineLogits(runner, ids)
    const prefill = await forward(runner, [{ sequence: start(runner), tokens: ids }], { wanted: 4 })
    const stepped = start(runner)
    await forward(runner, [{ sequence: stepped, tokens: ids.slice(0, -4) }], { wanted: 0 })
    const decoded = await forward(runner, [{ sequence: stepped, tokens: ids.slice(-4) }], { wanted: 4 })
    for (const [what, rows] of Object.entries({ fine: fine.slice(-4), prefill, decoded })) {
      wanted.forEach((logits, i) =>
        expect(maxDifference(rows[i]!, logits), `${what}, row ${i}`).toBeLessThanOrEqual(1e-3),
      )
    }
  })
})
