import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { answer, loadIntoPage, openEngine, readFolder } from '../pageModel.ts'
import { GREEDY_CASES } from '../../greedy.ts'

const TALES = resolve(import.meta.dirname, '../../../public/models/tales-3m')
const { ids: PROMPT, greedy: WANT } = GREEDY_CASES[0]!
const options = (maxTokens: number) => ({ temperature: 0, maxTokens, topLogprobs: 0 })

test('a device lost in the middle of a run: a typed error, and a reload goes on with the text', async () => {
  const { page } = await openEngine()
  const lost = await page.evaluate(
    async ([prompt, maxTokens]) => {
      const engine = await window.tokenscope
      const ids: number[] = []
      try {
        for await (const { id } of engine.model!.generate(prompt, { temperature: 0, maxTokens })) {
          ids.push(id)
          if (ids.length === 3) void engine.simulateDeviceLoss()
        }
      } catch (error) {
        return { ids, code: (error as { code: string }).code }
      }
      return { ids, code: null }
    },
    [PROMPT, 40] as const,
  )
  expect(lost.code).toBe('device-lost')
  expect(lost.ids.length).toBeGreaterThanOrEqual(3)
  await page.getByTestId('reload').click()
  await page.locator('[data-testid=model-status][data-state=ready]').waitFor()
  const rest = await answer(page, [...PROMPT, ...lost.ids], options(16 - lost.ids.length))
  expect([...lost.ids, ...rest.tokens.map(({ id }) => id)]).toEqual(WANT.slice(0, 16))
})

test('a worker that dies: the run ends, a new one loads the model again', async () => {
  const { page } = await openEngine({ expectedErrors: [/on purpose/] })
  const running = page.evaluate(
    async ([prompt, options]) => {
      const { model } = await window.tokenscope
      try {
        for await (const { index } of model!.generate(prompt, options))
          Object.assign(window, { written: index })
        return null
      } catch (error) {
        return (error as { code: string }).code
      }
    },
    [PROMPT, options(60)] as const,
  )
  await page.waitForFunction(() => (window as unknown as { written?: number }).written !== undefined)
  const [worker] = page.workers()
  await worker!.evaluate(
    () =>
      void setTimeout(() => {
        throw new Error('on purpose')
      }),
  )
  expect(await running).toBe('device-lost')
  await page.getByTestId('reload').click()
  await page.locator('[data-testid=model-status][data-state=ready]').waitFor()
  const again = await answer(page, PROMPT, options(4))
  expect(again.tokens.map(({ id }) => id)).toEqual(WANT.slice(0, 4))
})

test('files that are refused leave no byte behind, and the model on show answers on', async () => {
  const { page } = await openEngine()
  const memory = () => page.evaluate(async () => (await window.tokenscope).model!.memory())
  const before = await memory()
  const sound = readFolder(TALES)
  const weights = readFileSync(resolve(TALES, 'model.safetensors'))
  const cases: [name: string, content: Buffer, code: string][] = [
    ['model.safetensors', weights.subarray(0, weights.length - 2), 'bad-file'],
    [
      'model.safetensors',
      Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 6\n'),
      'bad-file',
    ],
    ['model.safetensors', Buffer.from('<!doctype html><title>404</title>'), 'bad-file'],
    ['config.json', Buffer.from('{"model_type": "lla'), 'bad-file'],
    ['config.json', Buffer.from('{"model_type": "mamba"}'), 'unsupported'],
    ['tokenizer.json', Buffer.from('{"model": {"type": "Nonsense"}}'), 'unsupported'],
  ]
  for (const [name, content, code] of cases) {
    const files = sound.map(([file, base64]): [string, string] => [
      file,
      file === name ? content.toString('base64') : base64,
    ])
    expect([name, await loadIntoPage(page, files)]).toEqual([name, code])
  }
  const { tokens } = await answer(page, PROMPT, options(2))
  expect(tokens.map(({ id }) => id)).toEqual(WANT.slice(0, 2))
  expect((await memory()).byLabel['weights']).toBe(before.byLabel['weights'])
})
