import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { missingPython, python } from './python.ts'

const PUBLIC = resolve(import.meta.dirname, '../../public')
const FILES = ['adapter_config.json', 'adapter_model.safetensors']
const LIMIT = 600_000

interface Share {
  percent: number
}

interface Side {
  exact?: Share
  greedy_ends_badly?: Share
  drawn_ends_badly?: Share
  loss?: { nats_per_token: number }
}

interface Evidence {
  engine: string
  base: Side
  adapted: Side
}

interface Entry {
  id: string
  base: string
  path: string
  bytes: number
  note: string
  try: { prompt: string }
}

interface List {
  models: { id: string }[]
  adapters: Entry[]
}

function read(...path: string[]): unknown {
  return JSON.parse(readFileSync(join(PUBLIC, ...path), 'utf8'))
}

const list = read('models.json') as List
const evidenceOf = (id: string): Evidence => read('adapters', id, 'evidence.json') as Evidence

describe('shipped demo adapters', () => {
  test('four in the list, each small, whole and for a model of the list', () => {
    expect(list.adapters.map(({ id }) => id)).toEqual(['bard', 'swap', 'translate', 'sad'])
    for (const { id, base, path, bytes, note, try: asked } of list.adapters) {
      const sizes = FILES.map((name) => statSync(join(PUBLIC, path, name)).size)
      expect(
        sizes.reduce((sum, size) => sum + size, 0),
        id,
      ).toBe(bytes)
      expect(bytes, id).toBeLessThanOrEqual(LIMIT)
      expect(existsSync(join(PUBLIC, path, 'README.md')), id).toBe(true)
      expect(
        list.models.map((model) => model.id),
        id,
      ).toContain(base)
      expect(read(path, 'adapter_config.json'), id).toMatchObject({ base_model_name_or_path: base })
      expect(note.length, id).toBeGreaterThan(10)
      // A prompt typed into the page is plain text: reserved tokens in it would not be read as such.
      expect(asked.prompt, id).toMatch(/^(?!.*<\|)./)
    }
  })

  test('one is a DoRA, one is rank-stabilised', () => {
    const configs = list.adapters.map(
      ({ path }) => read(path, 'adapter_config.json') as { use_dora: boolean; use_rslora: boolean },
    )
    expect(configs.some((config) => config.use_dora)).toBe(true)
    expect(configs.some((config) => config.use_rslora)).toBe(true)
  })

  test('reach their bars through our own engine, and the cards say so', () => {
    for (const id of ['swap', 'translate']) {
      const { engine, base, adapted } = evidenceOf(id)
      expect(engine).toBe('tokenscope')
      expect(adapted.exact?.percent, id).toBeGreaterThanOrEqual(90)
      expect(base.exact?.percent, id).toBeLessThanOrEqual(10)
      const card = readFileSync(join(PUBLIC, 'adapters', id, 'README.md'), 'utf8')
      expect(card).toContain(`${adapted.exact?.percent.toFixed(1)} % (`)
    }
    const sad = evidenceOf('sad').adapted
    expect(sad.greedy_ends_badly?.percent).toBeGreaterThanOrEqual(90)
    expect(sad.drawn_ends_badly?.percent).toBeGreaterThanOrEqual(90)
    const bard = evidenceOf('bard')
    const gain = (bard.base.loss?.nats_per_token ?? NaN) - (bard.adapted.loss?.nats_per_token ?? NaN)
    expect(gain).toBeGreaterThanOrEqual(0.3)
  })
})

const withoutPython = missingPython([])
const withoutPeft = missingPython(['torch', 'tokenizers', 'transformers', 'peft'])

describe('the tools that make them', () => {
  test('split and ending checker', { skip: withoutPython !== null, timeout: 60_000 }, () => {
    expect(python('unittest', '-q', 'adapters.checks')).toBe('')
  })

  test.skipIf(withoutPeft !== null)(
    `train, measure, describe, each at its smallest${withoutPeft === null ? '' : ` (${withoutPeft})`}`,
    { timeout: 120_000 },
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'tokenscope-adapter-'))
      const asked = ['--adapter', 'swap', '--model', join(PUBLIC, 'models/tales-3m')]
      const [out, evidence] = [join(folder, 'swap'), join(folder, 'evidence.json')]
      try {
        python('adapters.train', ...asked, '--steps', '2', '--out', out)
        const measured = ['--engine', 'torch', '--kinds', 'sample', '--out', evidence]
        python('adapters.evaluate', ...asked, '--folder', out, ...measured)
        python('adapters.card', '--adapter', 'swap', '--folder', out, '--evidence', evidence)
        expect(statSync(join(out, 'adapter_model.safetensors')).size).toBeGreaterThan(100_000)
        const config = JSON.parse(readFileSync(join(out, 'adapter_config.json'), 'utf8')) as object
        expect(config).toMatchObject({ peft_type: 'LORA', base_model_name_or_path: 'tales-3m' })
        expect(readFileSync(join(out, 'README.md'), 'utf8')).toContain('With the adapter:')
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
  )
})
