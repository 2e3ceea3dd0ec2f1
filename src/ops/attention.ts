import joinWgsl from '../../shaders/ops/attention_join.wgsl?raw'
import pageWgsl from '../../shaders/ops/attention_page.wgsl?raw'
import prefillWgsl from '../../shaders/ops/attention_prefill.wgsl?raw'
import splitWgsl from '../../shaders/ops/attention_split.wgsl?raw'
import mixWgsl from '../../shaders/ops/mix.wgsl?raw'
import scoresWgsl from '../../shaders/ops/scores.wgsl?raw'
import softmaxWgsl from '../../shaders/ops/softmax.wgsl?raw'
import { invariant } from '../errors.ts'
import { kernel, reduceProvider } from '../gpu/providers.ts'
import { MATVEC_ROWS } from '../program/fuse.ts'
import { PAGE } from '../run/cache.ts'
import type { Step } from '../program/program.ts'
import type { Variant } from '../api/model.ts'
import { read, write, type Dispatch, type Op, type OpContext } from './op.ts'

/** Positions one part of decode attention covers: a workgroup's, or where threads work alone a thread's. */
export function splitPositions({ alone }: Variant): number {
  return alone ? PAGE : 128
}

function layerPages(step: Step, context: OpContext): { k: GPUBuffer; v: GPUBuffer } {
  invariant(step.layer !== null, `${step.name} is in a layer`)
  return context.pages(step.layer)
}

/** After lowering, queries and cache may come from one fused step, whose tensor is the queries. */
function queries(step: Step, context: OpContext): GPUBuffer {
  const [q, cache] = step.inputs
  invariant(q !== undefined && cache !== undefined, `${step.name} reads queries and the cache`)
  return context.tensor(context.producer(cache).op === 'rope_cache' ? cache : q)
}

export const scores: Op = {
  formula: () => 's = q·kᵀ / √d',
  dispatches(step, context) {
    const { spec, rows, positions } = context.program
    const { heads, kvHeads, headDim, attentionScale } = spec
    return [
      {
        shader: kernel({ name: 'scores', text: scoresWgsl }, []),
        bindings: [
          read(2, queries(step, context)),
          read(3, layerPages(step, context).k),
          write(4, context.tensor(step.name)),
        ],
        params: [heads, kvHeads, headDim, positions, rows, { f32: attentionScale }],
        grid: [Math.ceil(positions / context.variant.workgroup), rows, heads],
      },
    ]
  },
}

export const softmax: Op = {
  formula: () => 'p = softmax(s) over positions ≤ own',
  dispatches(step, context) {
    const { spec, rows, positions } = context.program
    const [s] = step.inputs
    invariant(s !== undefined, `${step.name} has an input`)
    return [
      {
        shader: kernel({ name: 'softmax', text: softmaxWgsl }, [reduceProvider(context.variant)]),
        bindings: [read(2, context.tensor(s)), write(4, context.tensor(step.name))],
        params: [rows, positions],
        grid: [rows, spec.heads, 1],
      },
    ]
  },
}

export const mix: Op = {
  formula: () => 'mix = p·V',
  dispatches(step, context) {
    const { spec, rows, positions } = context.program
    const [probs] = step.inputs
    invariant(probs !== undefined, `${step.name} has an input`)
    const { heads, kvHeads, headDim } = spec
    return [
      {
        shader: kernel({ name: 'mix', text: mixWgsl }, []),
        bindings: [
          read(2, context.tensor(probs)),
          read(3, layerPages(step, context).v),
          write(4, context.tensor(step.name)),
        ],
        params: [heads, kvHeads, headDim, positions, rows],
        grid: [Math.ceil((heads * headDim) / context.variant.workgroup), rows, 1],
      },
    ]
  },
}

function prefill(step: Step, context: OpContext): Dispatch[] {
  const { spec, rows } = context.program
  const pages = layerPages(step, context)
  return [
    {
      shader: kernel({ name: 'attention_prefill', text: prefillWgsl }, [], { DIM4: spec.headDim / 4 }),
      bindings: [
        read(2, queries(step, context)),
        read(3, pages.k),
        read(4, pages.v),
        write(5, context.tensor(step.name)),
      ],
      params: [spec.heads, spec.kvHeads, { f32: spec.attentionScale }],
      // As many tiles as rows can split into: a tile ends with its sequence.
      grid: [rows, spec.heads, 1],
    },
  ]
}

function decode(step: Step, context: OpContext): Dispatch[] {
  const { variant } = context
  const { spec, rows, positions } = context.program
  const { heads, kvHeads, headDim } = spec
  const pages = layerPages(step, context)
  const split = splitPositions(variant)
  const splits = Math.ceil(positions / split)
  const parts = context.scratch(rows * heads * splits * (headDim + 4) * 4)
  const consts = { DIM4: headDim / 4, SPLIT: split }
  const group = heads / kvHeads
  // Heads that one thread takes together: they read the same keys and values.
  const together = [4, 3, 2].find((count) => group % count === 0) ?? 1
  const half = variant.alone
    ? { name: 'attention_page', text: pageWgsl }
    : { name: 'attention_split', text: splitWgsl }
  return [
    {
      shader: kernel(half, [], { ...consts, GROUP: group, HEADS: together }),
      bindings: [read(2, queries(step, context)), read(3, pages.k), read(4, pages.v), write(5, parts)],
      params: [heads, kvHeads, splits, { f32: spec.attentionScale }],
      grid: variant.alone
        ? [Math.ceil((splits * heads) / together / variant.workgroup), rows, 1]
        : [splits, kvHeads, rows],
    },
    {
      shader: kernel({ name: 'attention_join', text: joinWgsl }, [], consts),
      bindings: [read(2, parts), write(4, context.tensor(step.name))],
      params: [heads, splits],
      grid: [Math.ceil((heads * headDim) / 4 / variant.workgroup), rows, 1],
    },
  ]
}

/** Causal attention over pages without storing the probabilities (Dao et al. 2022; split-KV decoding). */
export const attention: Op = {
  formula: () => 'mix = softmax(q·Kᵀ / √d)·V over positions ≤ own',
  dispatches: (step, context) => (context.program.rows <= MATVEC_ROWS ? decode : prefill)(step, context),
}
