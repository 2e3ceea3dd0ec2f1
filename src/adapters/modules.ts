import type { ModelDescription } from '../arch/spec.ts'
import { outputAt } from '../program/outputs.ts'
import type { ParamRef } from '../program/step.ts'

/** A linear or embedding module as the adapter's files name it, and the steps that read it. */
export interface ModelModule {
  /** e.g. `model.layers.0.self_attn.q_proj`, without the `base_model.model.` in front. */
  name: string
  kind: 'linear' | 'embedding'
  in: number
  /** All outputs: of GPT-2's c_attn those of q, k and v. */
  out: number
  /** Steps and their outputs of the module. */
  parts: readonly ModulePart[]
  /** The model's output layer. */
  isLmHead: boolean
}

/** The step a module, or some outputs of it, are the product of. */
export interface ModulePart {
  readonly step: string
  /** Outputs `[begin, end)`, the first of several runs where there are more. */
  readonly rows: readonly [begin: number, end: number]
  readonly runs?: NonNullable<ParamRef['runs']>
}

/** What the adapter's names may refer to. */
export interface ModuleTree {
  modules: readonly ModelModule[]
  /** Parameters by the file's name (`….weight`, `….bias`); a fused one has several. */
  parameters: ReadonlyMap<string, readonly ParamRef[]>
}

/** Where the classes for text generation keep their body. */
const BODIES = ['model.', 'transformer.', '']

/** Names of a file whose head is called so, whatever the checkpoint calls its own: classes have been renamed. */
const LM_HEAD = /^lm_head\.(lora_|base_layer\.|weight$)/

function moduleOf(parameter: string): string {
  return parameter.replace(/\.(weight|bias)$/, '')
}

/** A parameter of the file, and whether it stands beside the body: the head and what is before it. */
interface BareParameter {
  readonly isOutside: boolean
  readonly params: ParamRef[]
}

/** Every parameter under its name inside the body (`layers.0.….weight`), or, of the head, under its own. */
function bareParameters(model: ModelDescription, lmHeadTensor: string): Map<string, BareParameter> {
  const { tensorPrefix, embeddingTensor, params } = model
  const [embed, isLmHead] = ['embed', 'logits'].map((name) => params.find((param) => param.name === name))
  const tied: readonly ParamRef[] = !isLmHead && embed ? [{ ...embed, name: 'logits' }] : []
  const bare = new Map<string, BareParameter>()
  for (const param of [...params, ...tied]) {
    const { tensor, experts } = param
    // Matrices of many experts are no module that low ranks could stand beside.
    if (experts !== undefined) continue
    const isOutside = moduleOf(param.name) === 'logits' || !tensor.startsWith(tensorPrefix)
    let name = isOutside ? tensor : tensor.slice(tensorPrefix.length)
    // A tied pair is one tensor under either name; modules keep both names.
    if (param.name === 'embed') name = embeddingTensor
    if (param.name === 'logits') name = lmHeadTensor
    bare.set(name, { isOutside, params: [...(bare.get(name)?.params ?? []), param] })
  }
  return bare
}

/**
 * Lists the model's modules under the names the file uses: the body is called `model.` or `transformer.`, or nothing at
 * all, and the checkpoint may be written either way.
 * @param used Parameter or module names of the file, without `base_model.model.`.
 */
export function moduleTree(model: ModelDescription, used: Iterable<string>): ModuleTree {
  const names = [...used]
  const bare = bareParameters(
    model,
    names.some((name) => LM_HEAD.test(name)) ? 'lm_head.weight' : model.lmHeadTensor,
  )
  const bodies = [...new Set([model.tensorPrefix, ...BODIES])]
  const inBody = [...bare].flatMap(([name, { isOutside }]) => (isOutside ? [] : [`${moduleOf(name)}.`]))
  const starts = new Map(bodies.map((body) => [body, new Set(inBody.map((name) => body + name))]))
  const votes = names.map((name) => bodies.find((body) => hasStart(starts.get(body), name)))
  const body = votes.find((vote) => vote !== undefined) ?? bodies[0] ?? ''
  const parameters = new Map(
    [...bare].map(([name, { isOutside, params }]) => [isOutside ? name : body + name, params]),
  )
  const modules = [...parameters].flatMap(([name, weights]) => {
    const module = name.endsWith('.weight') ? toModule(moduleOf(name), weights) : null
    return module ? [module] : []
  })
  return { modules, parameters }
}

/** True when a dotted front part of `name` is in the set. */
function hasStart(starts: ReadonlySet<string> | undefined, name: string): boolean {
  for (let at = name.indexOf('.'); at >= 0; at = name.indexOf('.', at + 1)) {
    if (starts?.has(name.slice(0, at + 1))) return true
  }
  return false
}

function toModule(name: string, weights: readonly ParamRef[]): ModelModule | null {
  const first = weights[0]
  const [outer, inner] = first?.shape ?? []
  // Adapters of token types would have to be told which types a text has.
  if (!first || outer === undefined || inner === undefined || first.name === 'token_types') return null
  const embedding = first.name === 'embed' || first.name === 'positions'
  if (embedding) {
    const parts = [{ step: first.name, rows: [0, inner] as const }]
    return { name, kind: 'embedding', in: outer, out: inner, parts, isLmHead: false }
  }
  const parts = weights.map(({ name: step, rows, runs }): ModulePart => {
    const part = { step, rows: rows ?? ([0, outer] as const) }
    return runs ? { ...part, runs } : part
  })
  const out = Math.max(...parts.map((part, i) => outputAt(part, (weights[i]?.shape[0] ?? 1) - 1) + 1))
  return { name, kind: 'linear', in: inner, out, parts, isLmHead: first.name === 'logits' }
}
