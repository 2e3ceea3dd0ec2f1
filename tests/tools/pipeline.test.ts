import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missingPython, python } from './python.ts'

const reason = missingPython(['torch', 'numpy', 'tokenizers', 'safetensors', 'transformers'])
const STEPS = 8

interface Entry {
  step?: number
  loss?: number
  held_out?: Record<string, number>
}

/** Corpus → tokenizer → two slices of training → model folder → evidence → card, each at its smallest. */
describe.skipIf(reason !== null)(`model pipeline${reason === null ? '' : ` (${reason})`}`, () => {
  let folder = ''
  const at = (...names: string[]): string => join(folder, ...names)
  const log = (): Entry[] =>
    readFileSync(at('run', 'loss.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Entry)

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tokenscope-tools-'))
    python('corpus.build', '--out', at('corpus'), '--scale', '0.003', '--vocabulary', '1024')
    const train = [
      'train.train',
      '--corpus',
      at('corpus'),
      '--out',
      at('run'),
      '--rows',
      '4',
      '--evaluate-every',
      '4',
    ]
    python(...train, '--steps', String(STEPS / 2))
    python(...train, '--steps', String(STEPS), '--decay-steps', '4')
    python('train.card', '--run', at('run'), '--corpus', at('corpus'), '--out', at('model'))
  }, 120_000)

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('goes on from its checkpoint and learns', () => {
    const held = log().flatMap((entry) =>
      entry.held_out?.['stories'] === undefined ? [] : [entry.held_out['stories']],
    )
    expect(held).toHaveLength(2)
    expect(held[1]).toBeLessThan(held[0] ?? 0)
    expect(log().at(-1)?.step).toBe(STEPS)
  })

  test('writes a whole model folder', () => {
    for (const name of [
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'curve.svg',
    ]) {
      expect(existsSync(at('model', name)), name).toBe(true)
    }
    const config = JSON.parse(readFileSync(at('model', 'config.json'), 'utf8')) as Record<string, unknown>
    expect(config).toMatchObject({ model_type: 'llama', vocab_size: 1024, tie_word_embeddings: true })
  })

  test('measures it and writes the card', { timeout: 60_000 }, () => {
    const kinds = ['--kinds', 'sample,induction', '--engine', 'torch']
    python('evidence.run', '--model', at('model'), ...kinds, '--out', at('evidence.json'))
    const evidence = JSON.parse(readFileSync(at('evidence.json'), 'utf8')) as {
      induction: { of: number }
      samples: unknown[]
    }
    expect(evidence.induction.of).toBe(64 * 31)
    expect(evidence.samples).toHaveLength(6)
    python(
      'train.card',
      '--run',
      at('run'),
      '--corpus',
      at('corpus'),
      '--evidence',
      at('evidence.json'),
      '--out',
      at('model'),
    )
    expect(readFileSync(at('model', 'README.md'), 'utf8')).toContain(`of ${64 * 31}`)
  })
})
