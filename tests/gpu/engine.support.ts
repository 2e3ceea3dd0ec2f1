import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect } from 'vitest'
import { TokenscopeError, type ErrorCode } from '../../src/errors.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { loadModelFrom } from '../../src/engine/load.ts'
import type {
  GeneratedToken,
  GenerateOptions,
  LoadOptions,
  Model,
  ModelSource,
  Prompt,
} from '../../src/api/model.ts'
import { modelsUrl } from '../../src/modelsUrl.ts'
import { testDevice } from './device.ts'

const here = import.meta.dirname

/** Real models that are not part of the project. */
const SHARED = resolve(process.env['TOKENSCOPE_SHARED'] ?? resolve(here, '../../../shared'))
export const STORIES = resolve(SHARED, 'models/stories260K')
export const WITHOUT_SHARED = existsSync(STORIES) ? '' : 'skipped: needs shared data'

/** The bundled model. */
export const TALES = resolve(here, '../../public/models/tales-3m')

/** A tiny random checkpoint, without a tokenizer. */
export function fixture(name: string): string {
  return resolve(here, '../fixtures/models', name)
}

/** Loads on the tests' shared device, with what the engine has beyond the library's interface. */
export async function loadEngine(source: ModelSource, options: LoadOptions = {}): Promise<Engine> {
  const device = options.device ?? (await testDevice()).device
  return loadModelFrom(source, { ...options, device }, modelsUrl())
}

export interface Collected {
  tokens: GeneratedToken[]
  ids: number[]
  text: string
  finish: GeneratedToken['finish'] | undefined
}

/** A whole answer. `onToken` sees each token as it comes; returning false ends the loop early. */
export async function collect(
  model: Pick<Model, 'generate'>,
  prompt: Prompt,
  options: GenerateOptions = {},
  onToken: (token: GeneratedToken) => boolean | void = () => undefined,
): Promise<Collected> {
  const tokens: GeneratedToken[] = []
  for await (const token of model.generate(prompt, options)) {
    tokens.push(token)
    if (onToken(token) === false) break
  }
  return {
    tokens,
    ids: tokens.map(({ id }) => id),
    text: tokens.map(({ text }) => text).join(''),
    finish: tokens.at(-1)?.finish,
  }
}

/** The typed error a promise is rejected with. */
export async function refusal(promise: Promise<unknown>, code: ErrorCode): Promise<TokenscopeError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(TokenscopeError)
  const typed = error as TokenscopeError
  expect(`${typed.code}: ${typed.message}`).toMatch(new RegExp(`^${code}: `))
  return typed
}

/** log softmax of one row. */
export function logSoftmax(logits: Float32Array): Float64Array {
  const peak = logits.reduce((a, b) => Math.max(a, b), -Infinity)
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - peak), 0)
  return Float64Array.from(logits, (logit) => logit - peak - Math.log(sum))
}
