import { TokenscopeError, throwIfAborted } from '../errors.ts'
import { capabilitiesOf } from './capabilities.ts'
import type { Dialect } from './dialect.ts'
import { EngineHttp } from './http.ts'
import { LlamaDialect } from './llama.ts'
import { remoteModel } from './model.ts'
import { OpenAiDialect } from './openai.ts'
import { asRecord, listAt, textAt } from './shape.ts'
import type { ConnectedInfo, ConnectedModel, ConnectOptions } from './types.ts'

const PATIENCE_MS = 300_000
const SILENCE_MS = 30_000

/** The engine's root, from its own address or that of its `/v1`. */
function rootOf(address: string): string {
  const fault = (message: string, hint: string): TokenscopeError =>
    new TokenscopeError('bad-argument', message, { hint, details: { field: 'url' } })
  if (!URL.canParse(address)) {
    throw fault('The address of the engine is no URL.', 'Give one like http://127.0.0.1:8080.')
  }
  const url = new URL(address)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw fault(
      `An engine is reached by http or https, not ${url.protocol}`,
      'Give one like http://127.0.0.1:8080.',
    )
  }
  if (url.username || url.password) {
    throw fault('The address holds a name or a password.', 'Leave them out and give the key as apiKey.')
  }
  return url.origin + url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '')
}

/** A key must fit into a header; it is never repeated in the error. */
function checkKey(key: string | undefined): string | undefined {
  const trimmed = key?.trim()
  if (!trimmed) return undefined
  if (/^[\x21-\x7e]+$/.test(trimmed)) return trimmed
  throw new TokenscopeError('bad-argument', 'apiKey holds characters that no key has.', {
    hint: 'Copy it again, without spaces and line breaks.',
    details: { field: 'apiKey' },
  })
}

function chooseModel(listed: readonly unknown[], asked: string | undefined, root: string): string {
  // An adapter is listed as a model with a parent; the base comes first anyway with every engine known.
  const base = listed.find((entry) => typeof asRecord(entry)?.['parent'] !== 'string')
  const model = asked ?? textAt(base ?? listed[0], 'id')
  if (model !== null && model !== undefined) return model
  throw new TokenscopeError('network', `${root} lists no model.`, {
    hint: 'Load one there, or give its name as model.',
    details: { url: root },
  })
}

function infoOf(
  { root, model, ids }: { root: string; model: string; ids: readonly string[] },
  dialect: Dialect,
): ConnectedInfo {
  return {
    id: model,
    architecture: '',
    modelType: '',
    tasks: ['generate'],
    layers: 0,
    heads: 0,
    kvHeads: 0,
    headDim: 0,
    hidden: 0,
    vocab: 0,
    context: 0,
    parameters: 0,
    gpuBytes: 0,
    weights: null,
    exceptions: [],
    kvCache: null,
    backend: dialect.engine,
    variant: null,
    hasTokenizer: false,
    hasChatTemplate: false,
    maskToken: null,
    sampling: null,
    bosId: null,
    eosIds: [],
    warnings: [],
    ...dialect.facts,
    remote: {
      url: root,
      engine: dialect.engine,
      models: ids,
      capabilities: capabilitiesOf(dialect),
      maxTopLogprobs: dialect.maxTopLogprobs,
    },
  }
}

/**
 * Connects to an engine elsewhere: llama.cpp's server by its own endpoints, anything else that has OpenAI's. What it offers is found
 * by asking, with a fixed text of one letter; no other text is sent before a call that needs it.
 *
 * @param url root of the engine, or its `/v1`
 * @throws `bad-argument` for an address or a key that is none, `network` when nothing or something else answers there (`details.status`,
 * `details.retryAfterMs`, in a browser `details.why`: `cors`, `mixed-content` or `unreachable`), `unsupported` when it generates
 * nothing, `aborted`
 */
export async function connectModel(url: string, options: ConnectOptions = {}): Promise<ConnectedModel> {
  const { signal } = options
  throwIfAborted(signal)
  const root = rootOf(url)
  const closing = new AbortController()
  const http = new EngineHttp({
    root,
    apiKey: checkKey(options.apiKey),
    patienceMs: options.patienceMs ?? PATIENCE_MS,
    silenceMs: options.silenceMs ?? SILENCE_MS,
    signal: closing.signal,
  })
  const listed = listAt(await http.get('/v1/models', signal), 'data') ?? []
  const model = chooseModel(listed, options.model, root)
  const asked = { model, listed, signal }
  const dialect = (await LlamaDialect.open(http, asked)) ?? (await OpenAiDialect.open(http, asked))
  const ids = listed.flatMap((entry) => textAt(entry, 'id') ?? [])
  const info = infoOf({ root, model, ids }, dialect)
  const { generate } = info.remote.capabilities
  if (generate !== true) {
    throw new TokenscopeError(
      'unsupported',
      `${dialect.engine} does not generate with ${model}: ${generate}`,
      {
        hint: 'Choose a language model.',
        details: { url: root, models: ids },
      },
    )
  }
  return remoteModel(info, dialect, closing)
}
