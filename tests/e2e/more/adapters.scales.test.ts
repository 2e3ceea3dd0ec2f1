import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { writeSafetensors } from '../../../src/adapters/writeSafetensors.ts'
import { openPage } from '../harness.ts'
import { openEngine, readFolder } from '../pageModel.ts'

const LINK = '#prompt=Once upon a time&temperature=0&max-tokens=8'
const SOON = { timeout: 60_000 }

const names = (page: Page): Promise<string[]> => page.locator('.track-select').allTextContents()

/** Next-token logits of a few words under the scales as set. */
const logits = (page: Page): Promise<number[]> =>
  page.evaluate(async () => {
    const { model } = await window.tokenscope
    const { data } = await model!.logits(await model!.encode('Once upon a time'))
    return Array.from(data.slice(-model!.info.vocab))
  })

test('demos are a click away; solo, order and another model are followed', async () => {
  const { page } = await openPage({ path: LINK })
  await page.waitForSelector('[data-testid=model-status][data-state=ready]', { timeout: 60_000 })
  const base = await logits(page)
  await page.getByTestId('view-adapters').click()
  // A DoRA among them: on the same modules as the others.
  const demos = ['bard', 'swap', 'translate', 'sad']
  const separate: number[][] = []
  for (const [index, id] of demos.entries()) {
    await page.getByTestId(`adapter-offer-${id}`).click()
    await expect.poll(() => page.getByTestId('adapter-row').count(), SOON).toBe(index + 1)
    expect(await page.getByTestId('prompt').inputValue()).toBe('Once upon a time')
  }

  // Solo lets one act alone; released, all act again.
  const together = await logits(page)
  for (const index of demos.keys()) {
    await page.getByTestId('adapter-solo').nth(index).click()
    separate.push(await logits(page))
  }
  expect(new Set([base, together, ...separate].map((values) => values.join(' '))).size).toBe(6)
  await page.getByTestId('adapter-solo').nth(3).click()
  expect(await logits(page)).toEqual(together)

  // By keyboard to another place; the sum stays what it was.
  const before = await names(page)
  await page.locator('.grip').nth(0).focus()
  await page.keyboard.press('ArrowDown')
  await expect.poll(() => names(page)).toEqual([before[1], before[0], ...before.slice(2)])
  expect(await logits(page)).toEqual(together)

  // A model they do not fit: said by name. Back on theirs, they act as they did.
  const upload = readFolder('tests/fixtures/models/llama')
    .filter(([name]) => name === 'config.json' || name === 'model.safetensors')
    .map(([name, base64]) => ({
      name,
      mimeType: 'application/octet-stream',
      buffer: Buffer.from(base64, 'base64'),
    }))
  await page.getByTestId('model-drop').setInputFiles(upload)
  await expect.poll(() => page.getByTestId('adapter-absent').count(), SOON).toBe(4)
  expect(await page.getByTestId('adapter-row').count()).toBe(0)
  expect(await page.getByTestId('adapter-absent').first().textContent()).toMatch(/shape|expected|no /)
  await page.getByTestId('model-select').selectOption('tales-3m')
  await expect.poll(() => page.getByTestId('adapter-row').count(), SOON).toBe(4)
  expect(await page.getByTestId('adapter-absent').count()).toBe(0)
  // Loaded in another order, the ranks are summed in another order: equal but for rounding.
  const again = await logits(page)
  const furthest = Math.max(...again.map((value, i) => Math.abs(value - together[i]!)))
  expect(furthest).toBeLessThan(1e-4)
})

/** Rank 36 on all linear modules of the bundled model: 3.0 MB. */
function largeAdapter(): [name: string, base64: string][] {
  const RANK = 36
  const sizes: Record<string, readonly [out: number, inner: number]> = {
    'self_attn.q_proj': [192, 192],
    'self_attn.k_proj': [96, 192],
    'self_attn.v_proj': [96, 192],
    'self_attn.o_proj': [192, 192],
    'mlp.gate_proj': [512, 192],
    'mlp.up_proj': [512, 192],
    'mlp.down_proj': [192, 512],
  }
  const fill = (size: number): Float32Array =>
    Float32Array.from({ length: size }, (_, i) => Math.sin(i * 12.9898) / 50)
  const tensors = Array.from({ length: 6 }, (_, layer) =>
    Object.entries(sizes).flatMap(([name, [out, inner]]) => {
      const module = `base_model.model.model.layers.${layer}.${name}`
      return [
        {
          name: `${module}.lora_A.weight`,
          dtype: 'F32' as const,
          shape: [RANK, inner],
          values: fill(RANK * inner),
        },
        {
          name: `${module}.lora_B.weight`,
          dtype: 'F32' as const,
          shape: [out, RANK],
          values: fill(out * RANK),
        },
      ]
    }),
  ).flat()
  const config = { peft_type: 'LORA', r: RANK, lora_alpha: 8, target_modules: 'all-linear', bias: 'none' }
  return [
    ['adapter_config.json', Buffer.from(JSON.stringify(config)).toString('base64')],
    ['adapter_model.safetensors', Buffer.from(writeSafetensors(tensors)).toString('base64')],
  ]
}

test('3 MB of adapter load onto a running model, which keeps answering', async () => {
  const { page } = await openEngine()
  const result = await page.evaluate(async (files) => {
    const { model } = await window.tokenscope
    const bytes = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))
    const source = new Map(files.map(([name, base64]) => [name, bytes(base64)]))
    const size = [...source.values()].reduce((sum, { byteLength }) => sum + byteLength, 0)
    const options = { maxTokens: 160, temperature: 0, adapters: [] }
    const ids = async (): Promise<number[]> => {
      const list: number[] = []
      for await (const { id } of model!.generate('Once upon a time', options)) list.push(id)
      return list
    }
    const plain = await ids()
    // What opening the Adapters view, or dragging a file over the page, does.
    await model!.prepareAdapters()
    // Beside a generation: it streams on, and says what it would have said.
    const written: number[] = []
    let adding: Promise<unknown> | null = null
    for await (const { id } of model!.generate('Once upon a time', options)) {
      written.push(id)
      // Not awaited: the adapter and the tokens go on side by side.
      if (written.length === 8) adding = model!.addAdapter(source)
    }
    await adding
    return { size, plain, written, adapters: (await model!.listAdapters()).length }
  }, largeAdapter())
  expect(result.size).toBeGreaterThan(2.9e6)
  expect(result.written).toEqual(result.plain)
  expect(result.adapters).toBe(1)
})
