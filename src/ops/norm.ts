import normRunsWgsl from '../../shaders/ops/norm_runs.wgsl?raw'
import normWgsl from '../../shaders/ops/norm.wgsl?raw'
import { kernel, reductionProviders, type ProviderFile, type ProviderName } from '../gpu/providers.ts'
import type { FoldedNorm } from '../program/attrs.ts'
import { widthOf, type ParamRef } from '../program/step.ts'
import { factorFormula, normFormula } from './formulas.ts'
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
import { raggedConst, storeProviders } from './ragged.ts'

type NormStep = OpStep<'rms_norm' | 'layer_norm' | 'norm_add'>

/** The providers that norm what a kernel reads. */
export function prologuesOf(norm: FoldedNorm): ProviderName[] {
  if (norm.kind === 'rms_norm') return ['prologue_rms']
  return ['prologue_layer', norm.biased ? 'shift_learned' : 'shift_none']
}

/** What a norm's provider reads among its kernel's parameters. */
export function normParams(norm: FoldedNorm | null): KernelParams {
  return { eps: norm?.eps ?? 0, norm_offset: norm?.kind === 'rms_norm' ? norm.offset : 0 }
}

/** What lib/run_norm.wgsl reads. */
export function runNormParams(norm: FoldedNorm): KernelParams {
  return { centred: norm.kind === 'layer_norm' ? 1 : 0, ...normParams(norm) }
}

/** Where the bias of a norm begins in its buffer: behind the weight, which is padded to whole vectors. 0 for none. */
export function biasAt([weight, bias]: readonly ParamRef[]): number {
  return bias ? Math.ceil((weight?.shape[0] ?? 0) / 4) * 4 : 0
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

function normGrid(runs: number, { variant }: OpContext): Dispatch['grid'] {
  return [variant.threadPerOutput ? Math.ceil(runs / variant.workgroup) : runs, 1, 1]
}

/** Over each of several runs of a row; `leaves` says what is made of a measured run, of which inputs besides. */
export function overRuns(
  step: NormStep | OpStep<'norm_dx'>,
  norm: FoldedNorm,
  context: OpContext,
  leaves: ProviderName | ProviderFile = 'runs_normed',
  more: readonly Binding[] = [],
): Dispatch {
  const groups = widthOf(step) / norm.width
  const perRun = (step.params[0]?.shape[0] ?? 0) > norm.width
  return {
    shader: kernel({ name: 'norm_runs', text: normRunsWgsl }, [
      'run_norm',
      leaves,
      ...reductionProviders(context.variant),
    ]),
    bindings: [
      read(2, inputOf(step, 0, context)),
      write(4, context.tensor(step.name)),
      read(5, vectorOf(step, 0, context)),
      ...more,
    ],
    params: {
      k: norm.width,
      groups,
      weight_stride: perRun ? norm.width : 0,
      bias_at: biasAt(step.params),
      ...runNormParams(norm),
    },
    grid: normGrid(context.size.rows * groups, context),
  }
}

function dispatch(step: NormStep, context: OpContext): Dispatch {
  const norm = normOf(step)
  if (norm.width < widthOf(step)) return overRuns(step, norm, context)
  const bindings: Binding[] = [
    read(2, inputOf(step, 0, context)),
    write(4, context.tensor(step.name)),
    read(5, vectorOf(step, 0, context)),
  ]
  const adds = step.op === 'norm_add'
  if (adds) bindings.push(read(6, inputOf(step, 1, context)))
  const providers = [
    ...prologuesOf(norm),
    adds ? 'normed_add' : 'normed_store',
    ...storeProviders(norm.width),
    ...reductionProviders(context.variant),
  ] as const
  return {
    shader: kernel({ name: 'norm', text: normWgsl }, providers, { ROWS: 1, ...raggedConst(norm.width) }),
    bindings,
    params: {
      k: norm.width,
      k4: Math.ceil(norm.width / 4),
      scale: adds ? step.attrs.scale : 1,
      ...normParams(norm),
    },
    grid: normGrid(context.size.rows, context),
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
  formula: (step) => `y = residual + ${factorFormula(step.attrs.scale)}${normFormula(normOf(step))}`,
  dispatches: (step, context) => [dispatch(step, context)],
}
