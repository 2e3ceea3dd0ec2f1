import activateGeluErf from '../../shaders/lib/activate_gelu_erf.wgsl?raw'
import activateGeluTanh from '../../shaders/lib/activate_gelu_tanh.wgsl?raw'
import activateGeluSigmoid from '../../shaders/lib/activate_gelu_sigmoid.wgsl?raw'
import activateRelu from '../../shaders/lib/activate_relu.wgsl?raw'
import activateReluSquared from '../../shaders/lib/activate_relu_squared.wgsl?raw'
import activateSilu from '../../shaders/lib/activate_silu.wgsl?raw'
import activations from '../../shaders/lib/activations.wgsl?raw'
import adapterLora from '../../shaders/lib/adapter_lora.wgsl?raw'
import adapterNone from '../../shaders/lib/adapter_none.wgsl?raw'
import batch from '../../shaders/lib/batch.wgsl?raw'
import epilogueActivate from '../../shaders/lib/epilogue_activate.wgsl?raw'
import epilogueAdd from '../../shaders/lib/epilogue_add.wgsl?raw'
import epilogueCap from '../../shaders/lib/epilogue_cap.wgsl?raw'
import epilogueScale from '../../shaders/lib/epilogue_scale.wgsl?raw'
import epilogueStore from '../../shaders/lib/epilogue_store.wgsl?raw'
import epilogueTimes from '../../shaders/lib/epilogue_times.wgsl?raw'
import fourAt from '../../shaders/lib/four_at.wgsl?raw'
import inputsDirect from '../../shaders/lib/inputs_direct.wgsl?raw'
import normedAdd from '../../shaders/lib/normed_add.wgsl?raw'
import normedStore from '../../shaders/lib/normed_store.wgsl?raw'
import outputsGated from '../../shaders/lib/outputs_gated.wgsl?raw'
import outputsLinear from '../../shaders/lib/outputs_linear.wgsl?raw'
import positionsLearned from '../../shaders/lib/positions_learned.wgsl?raw'
import positionsNone from '../../shaders/lib/positions_none.wgsl?raw'
import positionsTyped from '../../shaders/lib/positions_typed.wgsl?raw'
import prologueLayer from '../../shaders/lib/prologue_layer.wgsl?raw'
import prologueNone from '../../shaders/lib/prologue_none.wgsl?raw'
import prologueRms from '../../shaders/lib/prologue_rms.wgsl?raw'
import random from '../../shaders/lib/random.wgsl?raw'
import reduceSubgroup from '../../shaders/lib/reduce_subgroup.wgsl?raw'
import reduceTree from '../../shaders/lib/reduce_tree.wgsl?raw'
import rotate from '../../shaders/lib/rotate.wgsl?raw'
import rowsAll from '../../shaders/lib/rows_all.wgsl?raw'
import rowsLogits from '../../shaders/lib/rows_logits.wgsl?raw'
import rowsPacked from '../../shaders/lib/rows_packed.wgsl?raw'
import runNorm from '../../shaders/lib/run_norm.wgsl?raw'
import runsNormed from '../../shaders/lib/runs_normed.wgsl?raw'
import selectInvocation from '../../shaders/lib/select_invocation.wgsl?raw'
import selectWorkgroup from '../../shaders/lib/select_workgroup.wgsl?raw'
import shiftLearned from '../../shaders/lib/shift_learned.wgsl?raw'
import shiftNone from '../../shaders/lib/shift_none.wgsl?raw'
import softcapNone from '../../shaders/lib/softcap_none.wgsl?raw'
import softcapTanh from '../../shaders/lib/softcap_tanh.wgsl?raw'
import reductionNone from '../../shaders/lib/reduction_none.wgsl?raw'
import inputsShuffled from '../../shaders/lib/inputs_shuffled.wgsl?raw'
import reductionWorkgroup from '../../shaders/lib/reduction_workgroup.wgsl?raw'
import storeRagged from '../../shaders/lib/store_ragged.wgsl?raw'
import storeWhole from '../../shaders/lib/store_whole.wgsl?raw'
import visible from '../../shaders/lib/visible.wgsl?raw'
import activateSigmoid from '../../shaders/lib/activate_sigmoid.wgsl?raw'
import besideNone from '../../shaders/lib/beside_none.wgsl?raw'
import besideShared from '../../shaders/lib/beside_shared.wgsl?raw'
import gateClamped from '../../shaders/lib/gate_clamped.wgsl?raw'
import gatePlain from '../../shaders/lib/gate_plain.wgsl?raw'
import outputsGatedClamped from '../../shaders/lib/outputs_gated_clamped.wgsl?raw'
import rowsExperts from '../../shaders/lib/rows_experts.wgsl?raw'
import sinksLearned from '../../shaders/lib/sinks_learned.wgsl?raw'
import sinksNone from '../../shaders/lib/sinks_none.wgsl?raw'
import { invariant } from '../errors.ts'
import type { Variant } from '../api/model.ts'
import type { HeaderConsts, ShaderSource } from './shader.ts'

/** Interchangeable WGSL files by name. Those of one role define the same functions. */
const PROVIDERS = {
  activate_gelu: activateGeluErf,
  activate_gelu_tanh: activateGeluTanh,
  activate_gelu_sigmoid: activateGeluSigmoid,
  activate_relu: activateRelu,
  activate_relu_squared: activateReluSquared,
  activate_silu: activateSilu,
  activations,
  adapter_lora: adapterLora,
  adapter_none: adapterNone,
  batch,
  epilogue_activate: epilogueActivate,
  epilogue_add: epilogueAdd,
  epilogue_cap: epilogueCap,
  epilogue_scale: epilogueScale,
  epilogue_store: epilogueStore,
  epilogue_times: epilogueTimes,
  four_at: fourAt,
  inputs_direct: inputsDirect,
  normed_add: normedAdd,
  normed_store: normedStore,
  outputs_gated: outputsGated,
  outputs_linear: outputsLinear,
  positions_learned: positionsLearned,
  positions_none: positionsNone,
  positions_typed: positionsTyped,
  prologue_layer: prologueLayer,
  prologue_none: prologueNone,
  prologue_rms: prologueRms,
  random,
  reduce_subgroup: reduceSubgroup,
  reduce_tree: reduceTree,
  rotate,
  rows_all: rowsAll,
  rows_logits: rowsLogits,
  rows_packed: rowsPacked,
  run_norm: runNorm,
  runs_normed: runsNormed,
  select_invocation: selectInvocation,
  select_workgroup: selectWorkgroup,
  shift_learned: shiftLearned,
  shift_none: shiftNone,
  softcap_none: softcapNone,
  softcap_tanh: softcapTanh,
  reduction_none: reductionNone,
  inputs_shuffled: inputsShuffled,
  reduction_workgroup: reductionWorkgroup,
  activate_sigmoid: activateSigmoid,
  beside_none: besideNone,
  beside_shared: besideShared,
  gate_clamped: gateClamped,
  gate_plain: gatePlain,
  outputs_gated_clamped: outputsGatedClamped,
  rows_experts: rowsExperts,
  sinks_learned: sinksLearned,
  sinks_none: sinksNone,
  store_ragged: storeRagged,
  store_whole: storeWhole,
  visible: visible,
} as const

export type ProviderName = keyof typeof PROVIDERS

export function reduceProvider(variant: Variant): ProviderName {
  return variant.subgroups ? 'reduce_subgroup' : 'reduce_tree'
}

/** The providers by which the threads of a norm share its work. */
export function reductionProviders(variant: Variant): ProviderName[] {
  return variant.threadPerOutput ? ['reduction_none'] : ['reduction_workgroup', reduceProvider(variant)]
}

/** The same of a product, and where its inputs come from: threads that make whole outputs pass them on where they can. */
export function productProviders(variant: Variant): ProviderName[] {
  return variant.threadPerOutput && variant.subgroups
    ? ['inputs_shuffled']
    : [...reductionProviders(variant), 'inputs_direct']
}

/** A WGSL file that a kernel is composed with, where its name does not find it here: a weight format's. */
export interface ProviderFile {
  readonly name: string
  readonly text: string
}

const fileOf = (provider: ProviderName | ProviderFile): ProviderFile =>
  typeof provider === 'string' ? { name: `lib/${provider}.wgsl`, text: PROVIDERS[provider] } : provider

const nameOf = (provider: ProviderName | ProviderFile): string =>
  typeof provider === 'string' ? provider : provider.name.replace(/^.*\/|\.wgsl$/g, '')

/** A kernel from an op's file and its providers. `batch` is always among them. */
export function kernel(
  op: { name: string; text: string },
  providers: readonly (ProviderName | ProviderFile)[],
  consts: HeaderConsts = {},
): ShaderSource {
  const all = ['batch' as const, ...providers]
  const names = providers.map(nameOf)
  invariant(new Set(names).size === names.length, `a provider is named twice in ${op.name}`)
  return {
    label: [op.name, ...names, ...Object.entries(consts).map(([k, v]) => `${k}=${v}`)].join('+'),
    files: [...all.map(fileOf), { name: `ops/${op.name}.wgsl`, text: op.text }],
    consts,
  }
}
