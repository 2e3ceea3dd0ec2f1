import { readFileSync } from 'node:fs'
import { writeSafetensors } from '../src/adapters/writeSafetensors.ts'
import { blankReport } from '../src/adapters/blankReport.ts'
import type { LoraModule, ParsedAdapter } from '../src/adapters/types.ts'
import type { OpenedDevice } from '../src/gpu/device.ts'
import { chooseVariant } from '../src/gpu/variants.ts'
import { loadModel, type Model } from '../src/index.ts'
import type { ModelDescription } from '../src/arch/spec.ts'
import { isOp } from '../src/program/step.ts'
import type { LoadFormat } from '../src/api/model.ts'
import { interleave, median, spread, type Emit, type Work } from './harness.ts'
import { freshPrompt, generateTimes, TALES_FOLDER } from './model.ts'
import type { SuiteOptions } from './products.ts'
import { shapeNamed } from './shapes.ts'
import { encodeSteps, Synthetic } from './synthetic.ts'

const RANK = 8
const LAYERS = 2
const ROWS = [1, 32]
const NEW_TOKENS = 48
const FORMATS: readonly LoadFormat[] = ['f32', 'f16', 'q8_0', 'q4_0']

/** The linears of a layer of a Llama checkpoint: key of their shape, and module. */
const LINEARS = [
  ['q', 'self_attn.q_proj'],
  ['k', 'self_attn.k_proj'],
  ['v', 'self_attn.v_proj'],
  ['o', 'self_attn.o_proj'],
  ['gate', 'mlp.gate_proj'],
  ['up', 'mlp.up_proj'],
  ['down', 'mlp.down_proj'],
] as const

/** Small numbers without a pattern; what they are changes no time. */
function noise(count: number, seed: number): Float32Array {
  let state = seed * 2654435761 + 1
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state / 2 ** 32 - 0.5) * 0.02
  })
}

/** Rank 8 on every product of every layer. */
function randomAdapter(model: ModelDescription, dora: boolean): ParsedAdapter {
  const { steps } = model.record({ rows: 1, logitRows: 0, positions: 1 })
  const modules = steps
    .filter((step) => isOp(step, 'linear'))
    .map(({ name: step, params }, i): LoraModule => {
      const [out = 0, into = 0] = params[0]?.shape ?? []
      return {
        step,
        kind: 'linear',
        source: step,
        rows: [0, out],
        in: into,
        out,
        rank: RANK,
        alpha: 2 * RANK,
        scaling: 2,
        a: noise(RANK * into, 2 * i),
        b: noise(out * RANK, 2 * i + 1),
        magnitude: dora ? new Float32Array(out).fill(1) : null,
      }
    })
  return { name: 'random', modules, replacements: [], report: blankReport('random') }
}

/** `[out, in]` of the linears of a checkpoint with these sizes. */
function shapesOf(sizes: Readonly<Record<string, number>>): Record<string, readonly [number, number]> {
  const of = (key: string): number => sizes[key] ?? 0
  const hidden = of('hidden_size')
  const heads = of('num_attention_heads') * of('head_dim')
  const kv = of('num_key_value_heads') * of('head_dim')
  const middle = of('intermediate_size')
  return {
    q: [heads, hidden],
    k: [kv, hidden],
    v: [kv, hidden],
    o: [hidden, heads],
    gate: [middle, hidden],
    up: [middle, hidden],
    down: [hidden, middle],
  }
}

/** The same as PEFT's files, for the bundled model. */
function adapterFiles(dora: boolean): Map<string, Uint8Array> {
  const sizes = JSON.parse(readFileSync(`${TALES_FOLDER}/config.json`, 'utf8')) as Record<string, number>
  const shapes = shapesOf(sizes)
  const tensors = Array.from({ length: sizes['num_hidden_layers'] ?? 0 }, (_, n) =>
    LINEARS.flatMap(([key, module]) => {
      const [out = 0, into = 0] = shapes[key] ?? []
      const at = `base_model.model.model.layers.${n}.${module}`
      const magnitude = {
        name: `${at}.lora_magnitude_vector`,
        values: new Float32Array(out).fill(1),
        shape: [out],
      }
      return [
        { name: `${at}.lora_A.weight`, values: noise(RANK * into, n), shape: [RANK, into] },
        { name: `${at}.lora_B.weight`, values: noise(out * RANK, n + 1), shape: [out, RANK] },
        ...(dora ? [magnitude] : []),
      ]
    }),
  ).flat()
  const config = {
    peft_type: 'LORA',
    r: RANK,
    lora_alpha: 2 * RANK,
    use_dora: dora,
    target_modules: LINEARS.map(([, module]) => module.split('.')[1]),
  }
  return new Map([
    ['adapter_config.json', new TextEncoder().encode(JSON.stringify(config))],
    [
      'adapter_model.safetensors',
      writeSafetensors(tensors.map((tensor) => ({ ...tensor, dtype: 'F32' as const }))),
    ],
  ])
}

const KINDS = ['base', 'lora', 'dora'] as const
type Kind = (typeof KINDS)[number]

/** What every line of a comparison says; `base` is the same work without an adapter. */
function figures(own: readonly number[], base: readonly number[], kind: Kind) {
  return {
    value: median(own),
    unit: 'ms',
    adapterKind: kind,
    rank: kind === 'base' ? 0 : RANK,
    least: Math.min(...own),
    spread: spread(own),
    rounds: own.length,
    ofBase: Math.min(...own) / Math.min(...base),
    ofBaseMedian: median(own.map((ms, n) => ms / (base[n] ?? NaN))),
  }
}

interface AdaptedWork extends Work {
  readonly kind: Kind
  readonly rows: number
}

/** A decode step and a chunk of a prompt through the layers, each without an adapter, with LoRA and with DoRA. */
async function layerWorks(synthetic: Synthetic): Promise<AdaptedWork[]> {
  const adapters = {
    base: null,
    lora: await synthetic.layAdapter(randomAdapter(synthetic.model, false)),
    dora: await synthetic.layAdapter(randomAdapter(synthetic.model, true)),
  }
  const works: AdaptedWork[] = []
  for (const rows of ROWS) {
    for (const kind of KINDS) {
      const bound = await synthetic.bind(rows, 64, true, { adapters: adapters[kind] })
      const steps = bound.filter(({ step }) => step.layer !== null)
      works.push({ name: kind, kind, rows, encode: (encoder) => encodeSteps(encoder, steps) })
    }
  }
  return works
}

/** Layers of a 1B model with and without an adapter, all in turn. */
async function benchShapes(opened: OpenedDevice, emit: Emit, options: SuiteOptions): Promise<void> {
  const variant = chooseVariant(opened.kind, opened.features, options.variant)
  const shape = shapeNamed('Llama-3.2-1B')
  for (const format of FORMATS.filter((each) => options.formats?.includes(each) ?? true)) {
    const model = new Synthetic(opened.device, { shape, layers: LAYERS, format, variant })
    const works = await layerWorks(model)
    const times = await interleave(opened.device, works, options.rounds)
    const perLayer = times.map(({ rounds }) => rounds.map((ms) => ms / LAYERS))
    for (const [i, { kind, rows }] of works.entries()) {
      emit({
        name: rows === 1 ? 'adapters.layer.decode' : 'adapters.layer.prefill',
        variant: variant.name,
        shape: shape.name,
        format,
        rows,
        ...figures(perLayer[i] ?? [], perLayer[i - KINDS.indexOf(kind)] ?? [], kind),
      })
    }
    model.dispose()
  }
}

/** The bundled model in three copies, answering in turn: without an adapter, with LoRA, with DoRA. */
async function benchBundled(opened: OpenedDevice, emit: Emit, options: SuiteOptions): Promise<void> {
  const { device } = opened
  const models: Model[] = []
  for (const kind of KINDS) {
    const model = await loadModel(TALES_FOLDER, { device, weights: 'f16', variant: options.variant })
    if (kind !== 'base') await model.addAdapter(adapterFiles(kind === 'dora'))
    models.push(model)
  }
  const times = KINDS.map((): number[] => [])
  for (let round = 0; round <= options.rounds; round++) {
    for (const [i, model] of models.entries()) {
      const [, ...rest] = await generateTimes(model, freshPrompt(64), NEW_TOKENS)
      if (round > 0) times[i]?.push(rest.reduce((sum, ms) => sum + ms, 0) / rest.length)
    }
  }
  for (const [i, kind] of KINDS.entries()) {
    emit({
      name: 'adapters.model.decode',
      variant: models[i]?.info.variant.name ?? '',
      shape: 'tales-3m',
      format: 'f16',
      ...figures(times[i] ?? [], times[0] ?? [], kind),
    })
  }
  for (const model of models) await model.dispose()
}

/** What one adapter of rank 8 on every linear costs. */
export async function benchAdapters(opened: OpenedDevice, emit: Emit, options: SuiteOptions): Promise<void> {
  if (options.shapes === undefined || options.shapes.includes('tales-3m'))
    await benchBundled(opened, emit, options)
  if (options.shapes === undefined || options.shapes.includes('Llama-3.2-1B'))
    await benchShapes(opened, emit, options)
}
