import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../src/errors.ts'
import { loadModel } from '../../src/index.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { bytesOf, safetensorsFile } from '../formats/build.ts'
import { freshTestDevice } from './device.ts'
import { scriptedModel } from './engine.scripted.ts'
import { collect, loadEngine, refusal } from './engine.support.ts'
import { watchBuffers, type WatchedBuffers } from './faults.device.ts'

const { files: SOUND, script } = scriptedModel('Still here.')

interface Bad {
  /** Number in the project's list of bad inputs. */
  n: number
  what: string
  file: string
  content: Uint8Array | string | null
  code?: ErrorCode
}

function edited(file: string, change: (json: Record<string, unknown>) => void): string {
  const json = JSON.parse(new TextDecoder().decode(SOUND.get(file))) as Record<string, unknown>
  change(json)
  return JSON.stringify(json)
}

const weights = SOUND.get('model.safetensors')!
const weightsWith = (change: (header: Record<string, Record<string, unknown>>) => void): Uint8Array => {
  const length = Number(new DataView(weights.buffer).getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(weights.subarray(8, 8 + length))) as Parameters<
    typeof change
  >[0]
  change(header)
  return safetensorsFile(JSON.stringify(header), weights.subarray(8 + length))
}
const EMBED = 'model.embed_tokens.weight'
const A = '"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'

const safetensors = (n: number, what: string, content: Uint8Array | string): Bad => ({
  n,
  what,
  file: 'model.safetensors',
  content,
})
const config = (n: number, field: string, value: unknown, code: ErrorCode = 'bad-file'): Bad => ({
  n,
  what: `${field} ${JSON.stringify(value)}`,
  file: 'config.json',
  content: edited('config.json', (json) => (json[field] = value)),
  code,
})
type Model = Record<string, unknown> & { vocab: Record<string, number>; merges: unknown[] }
const tokenizer = (
  n: number,
  what: string,
  change: (json: Record<string, unknown>, model: Model) => void,
  code: ErrorCode = 'bad-file',
): Bad => ({
  n,
  what,
  file: 'tokenizer.json',
  content: edited('tokenizer.json', (json) => change(json, json['model'] as Model)),
  code,
})
const split = (pattern: string) => (json: Record<string, unknown>) => {
  json['pre_tokenizer'] = {
    type: 'Split',
    pattern: { Regex: pattern },
    behavior: 'Isolated',
    invert: false,
  }
}

const CASES: Bad[] = [
  safetensors(1, 'empty', ''),
  safetensors(2, 'seven bytes', '1234567'),
  safetensors(4, 'a header longer than the file', safetensorsFile('{}', 8, 5000n)),
  safetensors(5, 'a header of 2^63 bytes', safetensorsFile('{}', 8, 2n ** 63n)),
  safetensors(8, 'half an object', safetensorsFile('{ ')),
  safetensors(10, 'a name twice', safetensorsFile(`{${A},${A}}`, 8)),
  safetensors(
    13,
    'an unknown dtype',
    weightsWith((header) => (header[EMBED]!['dtype'] = 'F33')),
  ),
  safetensors(
    14,
    'a dimension of −1',
    weightsWith((header) => (header[EMBED]!['shape'] = [-1, 4])),
  ),
  safetensors(
    22,
    'a span that is not the shape',
    weightsWith((header) => (header[EMBED]!['shape'] = [2, 2])),
  ),
  safetensors(23, 'two bytes short', weights.slice(0, -2)),
  safetensors(24, 'trailing bytes', Buffer.concat([weights, new Uint8Array(3)])),
  safetensors(26, 'a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 6\n'),
  safetensors(27, 'a web page', '<!doctype html><title>404</title>'),
  safetensors(28, 'a zip', Uint8Array.of(0x50, 0x4b, 3, 4, ...new Uint8Array(60))),
  safetensors(
    0,
    'a tensor that is missing',
    weightsWith((header) => {
      header['model.other.weight'] = header[EMBED]!
      delete header[EMBED]
    }),
  ),
  { n: 0, what: 'no weights at all', file: 'model.safetensors', content: null },
  { n: 0, what: 'no config', file: 'config.json', content: null },
  config(111, 'hidden_size', 0),
  config(112, 'num_attention_heads', 3),
  config(114, 'num_hidden_layers', 1e9),
  config(114, 'num_hidden_layers', 2),
  config(115, 'rms_norm_eps', 'NaN'),
  config(116, 'rope_scaling', { rope_type: 'spiral', factor: 2 }, 'unsupported'),
  config(117, 'model_type', 'mamba', 'unsupported'),
  config(118, 'quantization_config', { quant_method: 'gptq', bits: 4 }, 'unsupported'),
  { n: 119, what: 'cut off', file: 'config.json', content: '{"model_type": "lla' },
  {
    n: 120,
    what: 'UTF-16',
    file: 'config.json',
    content: Buffer.from('\ufeff{}', 'utf16le'),
  },
  tokenizer(98, 'a pattern that never ends', split('^(a+)+$'), 'unsupported'),
  tokenizer(
    100,
    'an unknown pre-tokenizer',
    (json) => (json['pre_tokenizer'] = { type: 'Nonsense' }),
    'unsupported',
  ),
  tokenizer(101, 'an unknown model', (_, model) => (model['type'] = 'Nonsense'), 'unsupported'),
  tokenizer(102, 'an id of −5', (_, { vocab }) => (vocab['zz'] = -5)),
  tokenizer(103, 'an id of 2.5', (_, { vocab }) => (vocab['zz'] = 2.5)),
  tokenizer(104, 'an id of 2^32 − 1', (_, { vocab }) => (vocab['zz'] = 2 ** 32 - 1)),
  tokenizer(105, 'an id twice', (_, { vocab }) => (vocab['zz'] = 9)),
  tokenizer(106, 'a merge of what is not there', (_, { merges }) => merges.push(['zz', 'yy'])),
  { n: 0, what: 'cut off', file: 'tokenizer.json', content: '{"model": {' },
]

/** Sound as before, or in the state the fault left it. */
async function stillAnswers(old: Engine, buffers: WatchedBuffers, live: number): Promise<void> {
  expect(buffers.live).toBe(live)
  expect((await collect(old, 'x', { temperature: 0, maxTokens: 2 })).ids).toEqual(script.slice(0, 2))
}

describe('files that are refused', () => {
  let old: Engine
  let device: GPUDevice
  let buffers: WatchedBuffers
  let live: number
  beforeAll(async () => {
    device = (await freshTestDevice()).device
    buffers = watchBuffers(device)
    old = await loadEngine(SOUND, { device })
    await collect(old, 'x', { temperature: 0, maxTokens: 2 })
    live = buffers.live
  })
  afterAll(async () => {
    await old.dispose()
    expect(buffers.live).toBe(0)
    device.destroy()
  })

  test.each(CASES)('case $n: $file, $what', async ({ file, content, code = 'bad-file' }) => {
    const files = new Map(SOUND)
    if (content === null) files.delete(file)
    else files.set(file, typeof content === 'string' ? bytesOf(content) : content)
    const error = await refusal(loadModel(files, { device }), code)
    expect(error.message).toMatch(/config\.json|tokenizer\.json|safetensors|model\./)
    await stillAnswers(old, buffers, live)
  })

  test.each([
    [29, '../x', 'bad-file'],
    [30, 'https://evil', 'bad-file'],
    [31, 'model-00001-of-00002.safetensors', 'bad-file'],
  ] as const)('case %d: an index that names %s', async (_, shard, code) => {
    const files = new Map(SOUND)
    files.delete('model.safetensors')
    files.set('model.safetensors.index.json', bytesOf(JSON.stringify({ weight_map: { [EMBED]: shard } })))
    await refusal(loadModel(files, { device }), code)
    await stillAnswers(old, buffers, live)
  })

  test.each([
    [121, 'nested ranges', '{% for i in range(3000) %}{% for j in range(3000) %}x{% endfor %}{% endfor %}'],
    [127, 'an unclosed loop', '{% for m in messages %}'],
    [128, 'raise_exception', "{{ raise_exception('no system message here') }}"],
  ])(
    'case %d: a chat template with %s is refused when it is used; plain prompts work',
    async (n, _, template) => {
      const { files } = scriptedModel('Still here.', { chatTemplate: template })
      const model = await loadEngine(files, { device })
      const chat = collect(model, [{ role: 'user', content: 'hi' }])
      const error: unknown = await chat.catch((reason: unknown) => reason)
      expect(error).toMatchObject({ name: 'TokenscopeError' })
      if (n === 128) expect((error as Error).message).toContain('no system message here')
      expect((await collect(model, 'x', { temperature: 0, maxTokens: 2 })).ids).toEqual(script.slice(0, 2))
      await model.dispose()
      await stillAnswers(old, buffers, live)
    },
  )
})
