import type { Page } from 'playwright-core'

/** What the page shows at one moment, as far as a person could tell. */
export interface Seen {
  view: string
  /** `data-state` of the model's status. */
  status: string
  /** Text of the error on show, or null. */
  error: string | null
  /** The text, where the view of it is open. */
  text: ShownText | null
}

export interface ShownText {
  prompt: string
  ids: number[]
  /** Who wrote it, as its foot says; empty while there is no text. */
  written: string
  settings: Record<string, string>
}

/** An adapter of the model on show. */
export interface Acting {
  id: string
  name: string
  scale: number
}

export const SETTINGS = [
  'temperature',
  'top-k',
  'top-p',
  'min-p',
  'repetition',
  'seed',
  'max-tokens',
] as const

/** Reads everything in one turn of the page, so that no state lies between two numbers. */
export function readPage(page: Page): Promise<Seen> {
  return page.evaluate((settings) => {
    const one = (name: string) => document.querySelector<HTMLElement>(`[data-testid="${name}"]`)
    const valueOf = (name: string) => (one(name) as HTMLInputElement | null)?.value ?? ''
    const view = document.querySelector<HTMLElement>('.view-button[aria-current]')?.dataset['testid'] ?? ''
    const output = view === 'view-write' ? one('output') : null
    const numbers = settings.map((name) => [name, valueOf(`sampling-${name}`)])
    return {
      view: view.replace('view-', ''),
      status: one('model-status')?.dataset['state'] ?? '',
      error: one('error')?.textContent ?? null,
      text: output && {
        prompt: valueOf('prompt'),
        ids: [...output.querySelectorAll<HTMLElement>('[data-token-id]')].map(({ dataset }) =>
          Number(dataset['tokenId']),
        ),
        written: one('scales-chip')?.textContent ?? '',
        settings: Object.fromEntries(numbers) as Record<string, string>,
      },
    }
  }, SETTINGS)
}

/** The adapters of the model on show, in the engine's own words. */
export const readAdapters = (page: Page): Promise<Acting[]> =>
  page.evaluate(async () => {
    const { model } = await window.tokenscope
    return ((await model?.listAdapters()) ?? []).map(({ id, name, scale }) => ({ id, name, scale }))
  })

/** Bytes of the GPU by what they are for. */
export const readMemory = (page: Page): Promise<Record<string, number>> =>
  page.evaluate(async () => (await (await window.tokenscope).model!.memory()).byLabel)

/** The ids a model writes for a prompt under settings and scales, asked for beside the page. */
export function writeAgain(
  page: Page,
  { prompt, settings }: ShownText,
  adapters: readonly Pick<Acting, 'id' | 'scale'>[],
  maxTokens: number,
): Promise<number[]> {
  return page.evaluate(
    async ({ prompt, settings, adapters, maxTokens }) => {
      const { model } = await window.tokenscope
      const number = (name: string): number => Number(settings[name])
      const ids: number[] = []
      for await (const { id } of model!.generate(prompt, {
        temperature: number('temperature'),
        topK: number('top-k'),
        topP: number('top-p'),
        minP: number('min-p'),
        repetitionPenalty: number('repetition'),
        seed: number('seed'),
        maxTokens,
        adapters: [...adapters],
      }))
        ids.push(id)
      return ids
    },
    { prompt, settings, adapters, maxTokens },
  )
}
