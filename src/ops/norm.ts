import normWgsl from '../../shaders/ops/norm.wgsl?raw'
import { kernel, reductionProviders, type ProviderName } from '../gpu/providers.ts'
import type { FoldedNorm } from '../program/attrs.ts'
import { widthOf } from '../program/step.ts'
import { normFormula } from './formulas.ts'
import {
  inputOf,
  read,
  vectorOf,
  write,
  type Binding,
  type Dispatch,
  type KernelParams,
  type Op,
  type OpContext,
  type OpStep,
} from './op.ts'

type NormStep = OpStep<'rms_norm' | 'layer_norm' | 'norm_add'>

/** The provider that norms what a kernel reads. */
export function prologueOf({ kind }: FoldedNorm): ProviderName {
  return kind === 'rms_norm' ? 'prologue_rms' : 'prologue_layer'
}

/** What a norm's provider reads among its kernel's parameters. */
export function normParams(norm: FoldedNorm | null): KernelParams {
  return { eps: norm?.eps ?? 0, norm_offset: norm?.kind === 'rms_norm' ? norm.offset : 0 }
}

function normOf(step: NormStep): FoldedNorm {
  switch (step.op) {
    case 'norm_add':
      return step.attrs.norm
    case 'rms_norm':
      return { kind: step.op, ...step.attrs }
    case 'layer_norm':
      return { kind: step.op, ...step.attrs }
  }
}

function dispatch(step: NormStep, context: OpContext): Dispatch {
  const { variant, size } = context
  const norm = normOf(step)
  const groups = widthOf(step) / norm.width
  const rows = size.rows * groups
  const bindings: Binding[] = [
    read(2, inputOf(step, 0, context)),
    write(4, context.tensor(step.name)),
    read(5, vectorOf(step, 0, context)),
  ]
  const adds = step.op === 'norm_add'
  if (adds) bindings.push(read(6, inputOf(step, 1, context)))
  const providers = [
    prologueOf(norm),
    adds ? 'normed_add' : 'normed_store',
    ...reductionProviders(variant),
  ] as const
  return {
    shader: kernel({ name: 'norm', text: normWgsl }, providers, { ROWS: 1 }),
    bindings,
    params: { k: norm.width, k4: Math.ceil(norm.width / 4), groups, ...normParams(norm) },
    grid: [variant.threadPerOutput ? Math.ceil(rows / variant.workgroup) : rows, 1, 1],
  }
}

/** RMSNorm (Zhang & Sennrich 2019), over whole rows or over each head. */
export const rmsNorm: Op<'rms_norm'> = {
  formula: (step) => `y = ${normFormula(normOf(step))}`,
  dispatches: (step, context) => [dispatch(step, context)],
}

/** LayerNorm (Ba et al. 2016). */
export const layerNorm: Op<'layer_norm'> = {
  formula: (step) => `y = ${normFormula(normOf(step))}`,
  dispatches: (step, context) => [dispatch(step, context)],
}

/** A norm whose result joins the residual stream. */
export const normAdd: Op<'norm_add'> = {
  formula: (step) => `y = residual + ${normFormula(normOf(step))}`,
  dispatches: (step, context) => [dispatch(step, context)],
}
