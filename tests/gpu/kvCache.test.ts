import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { KvFormatName } from '../../src/api/load.ts'
import type { Model } from '../../src/index.ts'
import { klDivergence, logSoftmax } from '../../src/maths/distribution.ts'
import { randomSource } from '../random.ts'
import { collect } from './engine.support.ts'
import { TINY, withModel } from './modelFixtures.ts'

/** Turned keys as they are, normed heads, two windows and large heads, keys that nothing turns, a window that frees pages. */
const MODELS = ['llama', 'qwen3', 'gemma3', 'gpt2', 'mistral-window']

/**
 * `kl`: of a token against f32, in nats, worst of the text. `path`: what logits of one way through the kernels may differ by from those of
 * another; where keys differ in their last bit, a stored one may round to the next step.
 */
const FORMATS: readonly { kvCache: KvFormatName; bytes: number; kl: number; path: number }[] = [
  { kvCache: 'f32', bytes: 1, kl: 1e-9, path: 1e-4 },
  { kvCache: 'f16', bytes: 1 / 2, kl: 1e-5, path: 5e-4 },
  { kvCache: 'q8_0', bytes: 0.4, kl: 1e-2, path: 2e-2 },
]

const random = randomSource(3)
const all = Array.from({ length: 90 }, () => random.integer(30))
/** As much of the text as a model has positions for. */
const textOf = ({ info }: Model): number[] => all.slice(0, info.context - 5)

/** log p of the row behind each token, [ids.length][vocab]. */
async function rowsOf(model: Model, text: readonly number[]): Promise<Float64Array[]> {
  const { data } = await model.logits(text)
  const { vocab } = model.info
  return text.map((_, i) => logSoftmax(data.subarray(i * vocab, (i + 1) * vocab)))
}

describe.each(MODELS)('%s', (name) => {
  const folder = join(TINY, name)
  let exact: Float64Array[] = []
  let cacheBytes = 0
  beforeAll(() =>
    withModel(folder, {}, async (model) => {
      exact = await rowsOf(model, textOf(model))
      const { bytesPerPageAndLayer } = await model.cache()
      cacheBytes = bytesPerPageAndLayer
    }),
  )

  test.each(FORMATS)(
    'keys and values in $kvCache: every way reads the same',
    ({ kvCache, bytes, kl, path }) =>
      withModel(folder, { kvCache }, async (model) => {
        expect(model.info.kvCache).toBe(kvCache)
        expect((await model.cache()).bytesPerPageAndLayer).toBeLessThanOrEqual(cacheBytes * bytes)
        const ids = textOf(model)
        const rows = await rowsOf(model, ids)
        rows.forEach((row, i) => expect(klDivergence(exact[i]!, row), `row ${i}`).toBeLessThanOrEqual(kl))

        const prompt = ids.slice(0, -20)
        const { tokens } = await collect(model, prompt, { temperature: 0, maxTokens: 12, stop: [] })
        const text = [...prompt, ...tokens.map(({ id }) => id)]
        const full = await rowsOf(model, text)
        const own = (at: number): number => full[at - 1]![text[at]!]!
        const near = (got: number, at: number, what: string): void =>
          expect(Math.abs(got - own(at)), `${what} at ${at}`).toBeLessThanOrEqual(path)
        for (const { position, logprob } of tokens) near(logprob, position, 'generate')
        for await (const scored of model.score(text))
          for (const one of scored) near(one.logprob, one.position, 'score')

        // A branch inside a page, the best child of a text, and both sides of a comparison.
        const at = text.length - 7
        const fork = await model.fork(text, at, text[at]!, { topLogprobs: 1 })
        expect(Math.abs(fork.next.top[0]!.logprob - Math.max(...full[at]!))).toBeLessThanOrEqual(path)
        const [child] = await model.expand(text.slice(0, at), 2, { topLogprobs: 1 })
        expect(Math.abs(child!.token.logprob - Math.max(...full[at - 1]!))).toBeLessThanOrEqual(path)
        for await (const { a, b, kl: between } of model.compare(prompt, {
          a: [],
          b: [],
          temperature: 0,
          maxTokens: 3,
        })) {
          expect([a?.id, between]).toEqual([b?.id, 0])
        }
      }),
  )
})
