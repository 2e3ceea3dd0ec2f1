import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Page } from 'playwright-core'
import type { GeneratedToken, GenerateOptions } from '../../src/api/model.ts'
import { openPage, type OpenedPage, type OpenOptions } from './harness.ts'

/** Opens the page without its greeting and waits for the bundled model. */
export async function openEngine(options: OpenOptions = {}): Promise<OpenedPage> {
  const opened = await openPage({ path: '#run=0', reducedMotion: 'reduce', ...options })
  await opened.page.evaluate(() => window.tokenscope.then(() => undefined))
  return opened
}

export interface Answer {
  tokens: Pick<GeneratedToken, 'id' | 'text' | 'finish'>[]
  /** Code of the error that ended it, or null. */
  error: string | null
}

/** A whole answer of the model on show. */
export function answer(page: Page, prompt: string | number[], options: GenerateOptions): Promise<Answer> {
  return page.evaluate(
    async ([prompt, options]) => {
      const { model } = await window.tokenscope
      if (!model) throw new Error('no model is on show')
      const tokens = []
      let error = null
      try {
        for await (const { id, text, finish } of model.generate(prompt, options))
          tokens.push({ id, text, finish })
      } catch (cause) {
        error = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
      }
      return { tokens, error }
    },
    [prompt, options] as const,
  )
}

/** Files of a folder as base64, for {@link loadIntoPage}. */
export function readFolder(folder: string): [name: string, base64: string][] {
  return readdirSync(folder).map((name) => [name, readFileSync(resolve(folder, name)).toString('base64')])
}

/** Loads files into the page's engine as a `Map`, leaving the model on `window.loaded`; resolves to the error's code or null. */
export function loadIntoPage(page: Page, files: [name: string, base64: string][]): Promise<string | null> {
  return page.evaluate(async (files) => {
    const { loadModel } = await window.tokenscope
    const bytes = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))
    try {
      const model = await loadModel(new Map(files.map(([name, base64]) => [name, bytes(base64)])))
      Object.assign(window, { loaded: model })
      return null
    } catch (cause) {
      return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    }
  }, files)
}
