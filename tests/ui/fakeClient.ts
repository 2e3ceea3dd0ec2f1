import { TokenscopeError } from '../../src/errors.ts'
import type {
  GeneratedToken,
  GenerateOptions,
  LoadProgress,
  LogitsAt,
  Model,
  ModelInfo,
  ModelSource,
  Prompt,
  TokenAlternative,
} from '../../src/api/model.ts'
import type { EngineClient, EngineEvent } from '../../src/worker/api.ts'

/** An engine that knows no mathematics: it spells a fixed story and makes up smooth distributions. */

export interface FakeOptions {
  /** Milliseconds between tokens. */
  pace?: number
  /** Milliseconds of loading. */
  loadTime?: number
  story?: string
  /** One made-up distribution for all tokens: for measuring the page rather than the fake. */
  cheap?: boolean
}

const STORY =
  ' lived at the edge of a quiet wood. Every morning he went to the river to see his friend the duck.\n\n' +
  '“Good morning,” said the duck. “Have you seen my red ball?” The fox had not. They looked under the leaves, ' +
  'behind the old stone, and in the tall grass. At last they found it in the mud, and they both laughed. ' +
  '그날 저녁 여우는 집으로 돌아가 따뜻한 수프를 먹었어요. 😀 And from that day on they played by the water until the sun went down.'

const VOCAB = 4096
const BOS = 0
const encoder = new TextEncoder()

/** Splits text into pieces: words with their leading space; characters beyond ASCII as single bytes. */
export function fakeTokens(text: string): { id: number; text: string }[] {
  const tokens: { id: number; text: string }[] = []
  for (const piece of text.match(/\n+| ?[\x21-\x7e]{1,6}| |\P{ASCII}/gu) ?? []) {
    const bytes = encoder.encode(piece)
    if (piece.codePointAt(0)! < 128) {
      tokens.push({ id: hash(piece), text: piece })
      continue
    }
    bytes.forEach((byte, index) => {
      tokens.push({ id: 1 + byte, text: index === bytes.length - 1 ? piece : '' })
    })
  }
  return tokens
}

function hash(text: string): number {
  let state = 2166136261
  for (const byte of encoder.encode(text)) state = Math.imul(state ^ byte, 16777619) >>> 0
  return 260 + (state % (VOCAB - 260))
}

function noise(...seeds: number[]): number {
  let state = 0x9e3779b9
  for (const seed of seeds) state = Math.imul(state ^ (seed + 0x7f4a7c15), 0x85ebca6b) ^ (state >>> 13)
  return (state >>> 0) / 2 ** 32
}

/** Logits with a heavy head; the true token near the top. */
export function fakeLogits(index: number, id: number): Float32Array {
  const sharpness = 2 + 5 * noise(index, 7)
  const logits = Float32Array.from(
    { length: VOCAB },
    (_, other) => -4 - 5 * noise(index, other) - 3 * noise(other, 3),
  )
  for (let place = 0; place < 40; place++) {
    logits[Math.floor(noise(index, place, 11) * VOCAB)] = 4 - sharpness * Math.log2(1 + place) * 0.6
  }
  logits[id] = 4.6 - sharpness * noise(index, id, 5) * noise(index, 13) * 1.4
  return logits
}

function topOf(logits: Float32Array, count: number, textOf: (id: number) => string): TokenAlternative[] {
  const top = Math.max(...logits)
  const shift = top + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0))
  return Array.from(logits, (logit, id) => ({ id, logprob: logit - shift }))
    .sort((a, b) => b.logprob - a.logprob)
    .slice(0, count)
    .map(({ id, logprob }) => ({ id, text: textOf(id), logprob }))
}

export const FAKE_INFO: ModelInfo = {
  id: 'tales-3m',
  architecture: 'LlamaForCausalLM',
  modelType: 'llama',
  tasks: ['generate'],
  layers: 6,
  heads: 6,
  kvHeads: 3,
  headDim: 32,
  hidden: 192,
  vocab: VOCAB,
  context: 512,
  parameters: 3_200_000,
  gpuBytes: 13_400_000,
  weights: 'f16',
  exceptions: [],
  kvCache: 'f32',
  backend: 'no gpu (fake)',
  variant: { name: 'fake', f16: false, subgroups: false, threadPerOutput: false, workgroup: 64 },
  hasTokenizer: true,
  hasChatTemplate: false,
  maskToken: null,
  sampling: null,
  bosId: BOS,
  eosIds: [BOS],
  warnings: [],
}

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** What the page asks of a model today. */
type UsedModel = Pick<
  Model,
  | 'info'
  | 'encode'
  | 'decode'
  | 'tokenTexts'
  | 'alternativeTexts'
  | 'generate'
  | 'logitsAt'
  | 'tokenLogits'
  | 'logits'
  | 'memory'
  | 'dispose'
>

class FakeModel implements UsedModel {
  readonly info: ModelInfo
  private readonly pace: number
  private readonly story: { id: number; text: string }[]
  private readonly texts = new Map<number, string>([[BOS, '']])
  private readonly cheap: boolean
  private cheapTop: TokenAlternative[] | null = null
  private last: { prompt: readonly number[]; ids: number[] } = { prompt: [], ids: [] }
  lost: TokenscopeError | null = null

  constructor(info: ModelInfo, { pace = 25, story = STORY, cheap = false }: FakeOptions) {
    this.cheap = cheap
    this.info = info
    this.pace = pace
    this.story = fakeTokens(story)
    for (const { id, text } of this.story) this.texts.set(id, text)
  }

  encode(text: string): Promise<number[]> {
    const tokens = fakeTokens(text)
    for (const token of tokens) this.texts.set(token.id, token.text)
    return Promise.resolve([BOS, ...tokens.map(({ id }) => id)])
  }

  decode(ids: readonly number[]): Promise<string> {
    const bytes = ids.flatMap((id) =>
      id > 0 && id < 258 ? [id - 1] : [...encoder.encode(this.texts.get(id) ?? '')],
    )
    return Promise.resolve(new TextDecoder().decode(Uint8Array.from(bytes)))
  }

  alternativeTexts(_: readonly number[], ids: readonly number[]): Promise<string[]> {
    return Promise.all(ids.map((id) => this.decode([id])))
  }

  tokenTexts(ids: readonly number[]): Promise<string[]> {
    const decoder = new TextDecoder()
    const texts = ids.map((id) =>
      decoder.decode(id > 0 && id < 258 ? Uint8Array.of(id - 1) : encoder.encode(this.texts.get(id) ?? ''), {
        stream: true,
      }),
    )
    return Promise.resolve(texts)
  }

  private readonly word = (id: number): string => {
    const cached = this.texts.get(id)
    if (cached !== undefined) return cached
    const syllables = ['ka', 'lo', 'mi', 'ter', 'un', 'sa', 'wo', 'rin']
    return ` ${syllables[id % 8]}${syllables[(id >> 3) % 8]}`
  }

  async *generate(prompt: Prompt, options: GenerateOptions = {}): AsyncIterable<GeneratedToken> {
    const { maxTokens = 64, topLogprobs = 10, signal, onPrefill, temperature = 1, seed = 0 } = options
    const ids = Array.isArray(prompt) ? (prompt as number[]) : []
    for (let done = 0; done < ids.length; done += 8) {
      onPrefill?.(done, ids.length)
      await wait(20)
    }
    onPrefill?.(ids.length, ids.length)
    this.last = { prompt: ids, ids: [] }
    const offset = Math.max(0, ids.length - 14)
    for (let index = 0; index < maxTokens; index++) {
      if (this.pace > 0 || index % 8 === 0) await wait(this.pace)
      if (this.lost !== null) throw this.lost
      const { id, text } = this.story[(offset + index) % this.story.length]!
      this.last.ids.push(id)
      const top = this.cheapTop ?? topOf(fakeLogits(index + seed, id), topLogprobs, this.word)
      if (this.cheap) this.cheapTop = top
      const logprob = top.find((entry) => entry.id === id)?.logprob ?? -9
      const finish = signal?.aborted === true ? 'abort' : index === maxTokens - 1 ? 'length' : null
      const random = temperature === 0 ? null : noise(index, seed)
      yield { index, position: ids.length + index, id, text, logprob, top, random, finish }
      if (finish === 'abort') return
    }
  }

  logitsAt(ids: readonly number[]): Promise<LogitsAt> {
    const { prompt, ids: written } = this.last
    const index = ids.length - prompt.length
    const text = [...prompt, ...written.slice(0, index)]
    const isLast = index >= 0 && index < written.length && ids.every((id, i) => id === text[i])
    const next = isLast ? written[index]! : 300
    return Promise.resolve({ data: fakeLogits(index, next), recomputed: !isLast })
  }

  tokenLogits(index: number): Promise<LogitsAt> {
    const { prompt, ids } = this.last
    return this.logitsAt([...prompt, ...ids.slice(0, index)])
  }

  logits(ids: readonly number[]): Promise<{ shape: number[]; data: Float32Array }> {
    const data = new Float32Array(ids.length * VOCAB)
    data.set(fakeLogits(ids.length, 300), (ids.length - 1) * VOCAB)
    return Promise.resolve({ shape: [ids.length, VOCAB], data })
  }

  memory() {
    return Promise.resolve({ gpuBytes: this.info.gpuBytes, buffers: 42, byLabel: {} })
  }

  dispose(): Promise<void> {
    return Promise.resolve()
  }
}

/** A client whose device can be lost on command, and whose source `broken` fails to load. */
export function createFakeClient(options: FakeOptions = {}): EngineClient & { lose(): void } {
  const listeners = new Set<(event: EngineEvent) => void>()
  const models: FakeModel[] = []
  return {
    async loadModel(source: ModelSource, { onProgress, signal } = {}) {
      const total = 6_400_000
      for (let step = 0; step <= 10; step++) {
        const stage: LoadProgress['stage'] =
          step < 1 ? 'config' : step < 2 ? 'tokenizer' : step < 9 ? 'weights' : 'compile'
        onProgress?.({ stage, bytesDone: (total * step) / 10, bytesTotal: total })
        await wait((options.loadTime ?? 400) / 10)
        if (signal?.aborted === true) throw new TokenscopeError('aborted', 'The operation was cancelled.')
      }
      if (source === 'broken' || Array.isArray(source)) {
        throw new TokenscopeError(
          'bad-file',
          'model.safetensors: the header claims 9,007,199 bytes, the file has 1,024.',
          {
            hint: 'The download may have been cut short: fetch the file again.',
            details: { file: 'model.safetensors', field: 'header length', got: 9007199, expected: '≤ 1016' },
          },
        )
      }
      const model = new FakeModel(
        { ...FAKE_INFO, id: typeof source === 'string' ? source : 'files' },
        options,
      )
      models.push(model)
      return model as UsedModel as Model
    },
    onEvent(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    lose() {
      const error = new TokenscopeError('device-lost', 'The GPU device was destroyed.')
      for (const model of models) model.lost = error
      for (const listener of listeners) {
        listener({
          type: 'device-lost',
          error: { code: 'device-lost', message: error.message, hint: '', details: {} },
          losses: 1,
        })
      }
    },
    dispose() {
      listeners.clear()
    },
  }
}
