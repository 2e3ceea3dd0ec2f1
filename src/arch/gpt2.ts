import type { TensorInfo } from '../formats/tensors.ts'
import type { DecoderSpec, DecoderWeights, LayerWeights, LinearRef, NormRef } from './spec.ts'
import {
  architectureName,
  parseActivation,
  parseEmbedAndHead,
  parseSpecialIds,
  type Architecture,
  type WeightFields,
} from './common.ts'
import { LIMITS, type ConfigReader } from '../formats/configReader.ts'
import { TensorTable } from './tensorTable.ts'

/** Causal masks that older checkpoints stored as buffers. */
const BUFFERS = /(^|\.)attn\.(bias|masked_bias)$/
const END_OF_TEXT = 50_256

function norm(table: TensorTable, name: string, hidden: number): NormRef {
  return { weight: table.vector(`${name}.weight`, hidden), bias: table.vector(`${name}.bias`, hidden) }
}

/** A Conv1D: stored `[in, out]`; `part` takes one of the equal parts of its outputs. */
function conv1d(
  table: TensorTable,
  name: string,
  [out, inner]: readonly [out: number, inner: number],
  part: { index: number; of: number } = { index: 0, of: 1 },
): LinearRef {
  const size = out / part.of
  const rows = part.of === 1 ? null : ([part.index * size, (part.index + 1) * size] as const)
  return {
    weight: table.matrix(`${name}.weight`, [out, inner], 'in_out', rows),
    bias: table.vector(`${name}.bias`, out, rows),
  }
}

function layerWeights(table: TensorTable, n: number, hidden: number, intermediate: number): LayerWeights {
  const fused = (index: number) => conv1d(table, `h.${n}.attn.c_attn`, [3 * hidden, hidden], { index, of: 3 })
  return {
    inputNorm: norm(table, `h.${n}.ln_1`, hidden),
    q: fused(0),
    k: fused(1),
    v: fused(2),
    o: conv1d(table, `h.${n}.attn.c_proj`, [hidden, hidden]),
    postNorm: norm(table, `h.${n}.ln_2`, hidden),
    gate: null,
    up: conv1d(table, `h.${n}.mlp.c_fc`, [intermediate, hidden]),
    down: conv1d(table, `h.${n}.mlp.c_proj`, [hidden, intermediate]),
  }
}

/** The weight map, and what the tensors alone tell. Remarks are added to `warnings`. */
function takeWeights(
  config: ConfigReader,
  tensors: ReadonlyMap<string, TensorInfo>,
  sizes: Pick<DecoderSpec, 'hidden' | 'layers' | 'vocab' | 'intermediate' | 'maxPositions'>,
  warnings: string[],
): WeightFields {
  const { hidden, layers, vocab, intermediate, maxPositions } = sizes
  const table = new TensorTable(tensors, ['transformer.', ''], 'ln_f.weight')
  const embedding = { embed: 'wte.weight', shape: [vocab, hidden], tiedByDefault: true } as const
  const { embed, head, tiedHead } = parseEmbedAndHead(config, table, embedding, warnings)
  const weights: DecoderWeights = {
    embed,
    positions: table.matrix('wpe.weight', [maxPositions, hidden]),
    layers: Array.from({ length: layers }, (_, n) => layerWeights(table, n, hidden, intermediate)),
    finalNorm: norm(table, 'ln_f', hidden),
    head: { weight: head, bias: null },
  }
  return { weights, tiedHead, ...table.summary(BUFFERS, warnings) }
}

function refuseVariants(config: ConfigReader): void {
  for (const field of ['scale_attn_by_inverse_layer_idx', 'add_cross_attention']) {
    if (config.flag(field, false)) throw config.fail(field, 'false', 'unsupported')
  }
}

function parseGpt2(config: ConfigReader, tensors: ReadonlyMap<string, TensorInfo>): DecoderSpec {
  const warnings: string[] = []
  refuseVariants(config)
  const hidden = config.count('n_embd', { fallback: 768, max: LIMITS.width })
  const layers = config.count('n_layer', { fallback: 12, max: LIMITS.layers })
  const heads = config.count('n_head', { fallback: 12, max: LIMITS.heads })
  if (hidden % heads !== 0) throw config.fail('n_head', `a divisor of n_embd (${hidden})`)
  const headDim = hidden / heads
  const vocab = config.count('vocab_size', { fallback: 50_257, max: LIMITS.vocab })
  const maxPositions = config.count('n_positions', { fallback: 1024, max: LIMITS.vocab })
  const intermediate = config.count('n_inner', { fallback: 4 * hidden, max: 4 * LIMITS.width })
  const eps = config.positive('layer_norm_epsilon', 1e-5)
  const activation = parseActivation(config, 'activation_function', 'gelu_new', ['gelu', 'gelu_tanh'])
  const attentionScale = config.flag('scale_attn_weights', true) ? 1 / Math.sqrt(headDim) : 1
  const ids = parseSpecialIds(config, vocab, { bos: [END_OF_TEXT], eos: [END_OF_TEXT] }, warnings)

  return {
    architecture: architectureName(config),
    modelType: 'gpt2',
    layers,
    hidden,
    heads,
    kvHeads: heads,
    headDim,
    intermediate,
    vocab,
    maxPositions,
    norm: { kind: 'layer', eps },
    activation,
    gated: false,
    positions: { kind: 'learned' },
    attentionScale,
    embedScale: 1,
    slidingWindow: null,
    ...ids,
    ...takeWeights(config, tensors, { hidden, layers, vocab, intermediate, maxPositions }, warnings),
    warnings,
  }
}

/** LayerNorm, learned positions, Conv1D weights with q, k and v fused, a plain GELU MLP. */
export const gpt2: Architecture = { modelTypes: ['gpt2'], parse: parseGpt2 }
