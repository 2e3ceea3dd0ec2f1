import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import type { NewAdapterOptions, TrainOptions } from '../../src/index.ts'
import { checkOptions } from '../../src/train/options.ts'
import { missingPython, python } from './python.ts'

const FOLDER = resolve(import.meta.dirname, '../../public/training')
const LIMIT = 60_000

interface TrainingSet {
  name: string
  file: string
  heldOut: number
  settings: TrainOptions
  adapter: Omit<NewAdapterOptions, 'name'>
}

const textOf = (file: string, folder = FOLDER): string => readFileSync(join(folder, file), 'utf8')
const sets = JSON.parse(textOf('index.json')) as TrainingSet[]

test('five sets, each small, whole, and told apart from what is held out', () => {
  expect(sets.map(({ name }) => name)).toEqual(['swap', 'translate', 'voice', 'plot', 'kind'])
  expect(readdirSync(FOLDER).sort()).toEqual(['index.json', ...sets.map(({ file }) => file)].sort())
  for (const { file, heldOut, settings, adapter } of sets) {
    const text = textOf(file)
    expect(Buffer.byteLength(text), file).toBeLessThanOrEqual(LIMIT)
    const lines = text.trimEnd().split('\n')
    const prompts = lines.map((line) => {
      const { prompt = '', ...answers } = JSON.parse(line) as Record<string, string>
      const fields = settings.objective === 'dpo' ? ['chosen', 'rejected'] : ['completion']
      expect(Object.keys(answers), line).toEqual(fields)
      for (const answer of Object.values(answers)) expect(answer, line).toMatch(/^ \S.*\S$/)
      return prompt
    })
    expect(heldOut).toBeLessThan(lines.length / 2)
    const learned = new Set(prompts.slice(0, -heldOut))
    expect(prompts.slice(-heldOut).filter((prompt) => learned.has(prompt))).toEqual([])
    expect(checkOptions(settings, Array<number>(lines.length - heldOut).fill(9))).toMatchObject(settings)
    expect(adapter.rank).toBeGreaterThan(0)
  }
})

test('names that are to be swapped when held out never meet in training', () => {
  const pairOf = (line: string): string => {
    const { prompt, completion } = JSON.parse(line) as { prompt: string; completion: string }
    const given = prompt.replace('Sentence: ', '').split(/\W+/)
    const swapped = completion.trim().split(/\W+/)
    return given
      .filter((word, i) => word !== swapped[i])
      .sort()
      .join('+')
  }
  const { file, heldOut } = sets[0]!
  const pairs = textOf(file).trimEnd().split('\n').map(pairOf)
  const learned = new Set(pairs.slice(0, -heldOut))
  expect(pairs.slice(-heldOut).filter((pair) => learned.has(pair))).toEqual([])
})

const missing = missingPython([])
test.skipIf(missing !== null)(missing ?? 'the script writes these very files', () => {
  const out = mkdtempSync(join(tmpdir(), 'sets-'))
  try {
    python('adapters.sets', '--out', out)
    for (const file of readdirSync(FOLDER)) expect(textOf(file, out), file).toBe(textOf(file))
  } finally {
    rmSync(out, { recursive: true })
  }
})
