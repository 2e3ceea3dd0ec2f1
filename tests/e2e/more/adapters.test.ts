import { readFile } from 'node:fs/promises'
import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { writeSafetensors, type OutputTensor } from '../../../src/adapters/writeSafetensors.ts'
import { openPage } from '../harness.ts'

const LINK = '#prompt=Once upon a time&temperature=0&top-k=0&top-p=1&seed=0&max-tokens=12'
const RANK = 2
/** Kernels for another number of rows are compiled on the way. */
const SOON = { timeout: 60_000 }

const inState = (page: Page, state: string) =>
  page.waitForSelector(`[data-testid=model-status][data-state=${state}]`, { timeout: 60_000 })

interface BaseConfig {
  hidden_size: number
  num_hidden_layers: number
  num_attention_heads: number
  head_dim: number
}

interface Upload {
  name: string
  mimeType: string
  buffer: Buffer
}

/** Rank 2 on every q_proj of the model the page opens with; `strength` 0 leaves B zero, as before training. */
async function queryAdapter(page: Page, strength: number): Promise<Upload[]> {
  const { id, config } = await page.evaluate(async () => {
    const list = await (await fetch('models.json')).json()
    const id: string = list.default ?? list.models[0].id
    const { path } = list.models.find((entry: { id: string }) => entry.id === id)
    const config: unknown = await (await fetch(`${path}config.json`)).json()
    return { id, config: config as BaseConfig }
  })
  const out = config.num_attention_heads * config.head_dim
  const entries: (OutputTensor & { values: Float32Array })[] = []
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const source = `base_model.model.model.layers.${layer}.self_attn.q_proj`
    const fill = (size: number, scale: number, seed: number) =>
      Float32Array.from({ length: size }, (_, i) => scale * Math.sin(seed + layer + i * 12.9898))
    entries.push(
      {
        name: `${source}.lora_A.weight`,
        dtype: 'F32',
        shape: [RANK, config.hidden_size],
        values: fill(RANK * config.hidden_size, 0.2, 1),
      },
      {
        name: `${source}.lora_B.weight`,
        dtype: 'F32',
        shape: [out, RANK],
        values: fill(out * RANK, strength, 7),
      },
    )
  }
  const description = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: id,
    r: RANK,
    lora_alpha: 4,
    target_modules: ['q_proj'],
    bias: 'none',
  }
  return [
    {
      name: 'adapter_config.json',
      mimeType: 'application/json',
      buffer: Buffer.from(JSON.stringify(description)),
    },
    {
      name: 'adapter_model.safetensors',
      mimeType: 'application/octet-stream',
      buffer: Buffer.from(writeSafetensors(entries)),
    },
  ]
}

/** Logits of the last position over the written text, under the scales as set, from the page's own model. */
const lastLogits = (page: Page): Promise<number[]> =>
  page.evaluate(async () => {
    const { model } = await window.tokenscope
    const { data } = await model!.logits(await model!.encode('Once upon a time there was'))
    return Array.from(data.slice(-model!.info.vocab))
  })

const furthest = (a: readonly number[], b: readonly number[]) =>
  Math.max(...a.map((value, index) => Math.abs(value - (b[index] ?? 0))))

test('an adapter is dropped, reported, slid, compared, inspected, merged, exported and read again', async () => {
  const { page } = await openPage({ path: LINK })
  await inState(page, 'ready')
  const base = await lastLogits(page)
  const files = await queryAdapter(page, 0.3)

  // Dropped anywhere, on the view that is open.
  const dropped = files.map(({ name, buffer }) => [name, buffer.toString('base64')] as const)
  await page.evaluate((list) => {
    const transfer = new DataTransfer()
    for (const [name, base64] of list) {
      transfer.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name))
    }
    document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, dataTransfer: transfer }))
  }, dropped)
  await expect
    .poll(() => page.getByTestId('scales-chip').textContent(), SOON)
    .toMatch(/written by base · prob/)
  await page.getByTestId('view-adapters').click()
  await page.getByTestId('adapter-report').waitFor()
  expect(await page.getByTestId('adapter-row').count()).toBe(1)
  expect(await page.getByTestId('adapter-report').textContent()).toMatch(
    /max \|Δlogit\| [\d.]+.*12 matched, 0/,
  )
  const adapted = await lastLogits(page)
  expect(furthest(base, adapted)).toBeGreaterThan(0.01)

  // The slider changes the next logits, mute gives the base's bit for bit, and the text follows.
  await page.getByTestId('adapter-scale').fill('-1')
  await expect.poll(() => page.getByTestId('scales-chip').textContent(), SOON).toMatch(/×−1\.00/)
  const negative = await lastLogits(page)
  expect(furthest(adapted, negative)).toBeGreaterThan(0.01)
  await page.getByTestId('adapter-enabled').uncheck()
  await expect.poll(() => page.getByTestId('scales-chip').textContent(), SOON).toBe('written by base')
  expect(furthest(base, await lastLogits(page))).toBe(0)
  await page.getByTestId('adapter-enabled').check()
  await page.getByTestId('adapter-scale').fill('1')

  // ΔW: a cell per layer, its spectrum and its neighbours.
  await page.getByLabel('ΔW').check()
  const cells = page.getByTestId('delta-map').locator('[data-step]')
  await cells.first().waitFor()
  expect(await cells.count()).toBe(6)
  await cells.nth(2).click()
  expect(await page.locator('.spectrum-bar').count()).toBe(RANK)
  await page.locator('.direction-words li').first().waitFor()

  // Exported as PEFT, the adapters read back as an adapter with the same effect.
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByTestId('adapter-export').click(),
  ])
  const zip = await readFile(await download.path())
  await page.getByTestId('adapter-enabled').uncheck()
  await page
    .getByTestId('adapter-drop')
    .setInputFiles([{ name: 'combined.zip', mimeType: 'application/zip', buffer: zip }])
  await expect.poll(() => page.getByTestId('adapter-row').count(), SOON).toBe(2)
  expect(furthest(adapted, await lastLogits(page))).toBeLessThan(1e-3)
  await page.getByTestId('adapter-remove').nth(1).click()
  await expect.poll(() => page.getByTestId('adapter-row').count(), SOON).toBe(1)
  await page.getByTestId('adapter-enabled').check()

  // Merged: the same logits, and no comparing until it is undone.
  await page.getByTestId('adapter-merge').click()
  await page.getByTestId('adapter-unmerge').waitFor()
  expect(furthest(adapted, await lastLogits(page))).toBeLessThan(0.1)
  expect(await page.getByTestId('compare-toggle').isDisabled()).toBe(true)
  await page.getByTestId('adapter-unmerge').click()
  await page.getByTestId('adapter-merge').waitFor()
  expect(furthest(adapted, await lastLogits(page))).toBe(0)

  // A/B: lock-step texts with KL at every position, and the first divergence on demand.
  await page.getByTestId('compare-toggle').click()
  await page.getByTestId('generate').click()
  await page.waitForSelector('[data-testid=output-b][data-state=done]')
  for (const side of ['a', 'b']) {
    const chips = page.locator(`[data-testid=output-${side}] [data-token-index]`)
    expect(await chips.count()).toBe(12)
    expect(Number(await chips.first().getAttribute('data-kl'))).toBeGreaterThan(0)
  }
  expect(await page.locator('.compare-stream').nth(1).textContent()).toMatch(/adapter ×1\.00/)
  await page.getByTestId('next-divergence').click()
  await page.locator('[data-testid=output-a] [aria-selected=true]').waitFor()
  expect(await page.getByTestId('pair-row').count()).toBeGreaterThan(5)
  expect((await new AxeBuilder({ page }).analyze()).violations.map(({ id }) => id)).toEqual([])
})

test('what is no adapter is said, an idle one is shouted about, and a reload asks for dropped files again', async () => {
  const { page } = await openPage({ path: `${LINK}&run=0` })
  await inState(page, 'ready')
  await page.getByTestId('view-adapters').click()
  const drop = page.getByTestId('adapter-drop')
  await drop.setInputFiles([
    { name: 'adapter_config.json', mimeType: 'application/json', buffer: Buffer.from('{"peft_type":"IA3"}') },
    { name: 'adapter_model.bin', mimeType: 'application/octet-stream', buffer: Buffer.from('pickle') },
  ])
  const error = page.getByTestId('error')
  await error.waitFor()
  expect(await error.getAttribute('role')).toBe('alert')
  expect(await error.textContent()).toMatch(/^The adapter was not loaded/)
  expect(await page.getByTestId('adapter-row').count()).toBe(0)

  await drop.setInputFiles(await queryAdapter(page, 0))
  await page.getByTestId('adapter-row').waitFor()
  expect(await page.getByRole('alert').filter({ hasText: 'changes nothing' }).count()).toBe(1)
  expect((await new AxeBuilder({ page }).analyze()).violations.map(({ id }) => id)).toEqual([])

  await page.reload()
  await inState(page, 'ready')
  await page.getByTestId('view-adapters').click()
  expect(await page.getByTestId('adapter-absent').textContent()).toMatch(/drop them again/)
})

test('both lenses, both attention patterns, and one text scored under both sets of scales', async () => {
  const { page } = await openPage({ path: LINK })
  await inState(page, 'ready')
  await page.getByTestId('view-adapters').click()
  await page.getByTestId('adapter-drop').setInputFiles(await queryAdapter(page, 0.3))
  await page.getByTestId('adapter-row').waitFor()
  await page.getByTestId('compare-toggle').click()
  await page.getByTestId('generate').click()
  await page.waitForSelector('[data-testid=output-b][data-state=done]')
  await page.locator('[data-testid=output-a] [data-token-index="0"]').click()
  await page.getByRole('radio', { name: 'Lens' }).check()
  await page.locator('.lens-pair tbody tr').first().waitFor()
  // The embedding and six layers.
  expect(await page.locator('.lens-pair tbody tr').count()).toBe(7)
  await page.getByRole('radio', { name: 'Attention' }).check()
  await page.locator('.pattern canvas').nth(2).waitFor()

  await page.getByRole('radio', { name: 'Score the text' }).check()
  await page.getByTestId('generate').click()
  await expect.poll(() => page.locator('.compare-summary').textContent(), SOON).toMatch(/mean KL [\d.]+ nat/)
  const texts = await Promise.all(
    ['a', 'b'].map((side) => page.locator(`[data-testid=output-${side}]`).textContent()),
  )
  expect(texts[0]).toBe(texts[1])
})
