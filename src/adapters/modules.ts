import { listWeights, type DecoderSpec, type NamedWeight } from '../arch/spec.ts'

/** A linear or embedding module as the adapter's files name it, and the steps that read it. */
export interface ModelModule {
  /** e.g. `model.layers.0.self_attn.q_proj`, without the `base_model.model.` in front. */
  name: string
  kind: 'linear' | 'embedding'
  in: number
  /** All outputs: of GPT-2's c_attn those of q, k and v. */
  out: number
  /** Steps and their outputs `[begin, end)` of the module. */
  parts: readonly { step: string; rows: readonly [begin: number, end: number] }[]
  /** The model's output layer. */
  head: boolean
}

/** What the adapter's names may refer to. */
export interface ModuleTree {
  modules: readonly ModelModule[]
  /** Parameters by the file's name (`….weight`, `….bias`); a fused one has several. */
  parameters: ReadonlyMap<string, readonly NamedWeight[]>
}

/** Where the classes for text generation keep their body. */
const BODIES = ['model.', 'transformer.', '']
const HEAD = 'lm_head'

function bodyPrefix(spec: DecoderSpec): string {
  const name = moduleOf(spec.weights.finalNorm.weight.tensor)
  return name.slice(0, name.lastIndexOf('.') + 1)
}

function moduleOf(parameter: string): string {
  return parameter.replace(/\.(weight|bias)$/, '')
}

/** Every parameter under its name inside the body (`layers.0.….weight`); `lm_head` stands outside. */
function bareParameters(spec: DecoderSpec): Map<string, NamedWeight[]> {
  const body = bodyPrefix(spec)
  const { embed, head, positions } = spec.weights
  const weights = listWeights(spec)
  if (spec.tiedHead) weights.push({ name: 'logits', ref: head.weight })
  const bare = new Map<string, NamedWeight[]>()
  for (const weight of weights) {
    const { tensor } = weight.ref
    let name = tensor.startsWith(body) ? tensor.slice(body.length) : tensor
    // A tied pair is one tensor under either name; modules keep both names.
    if (weight.name === 'embed' && embed === head.weight && tensor.startsWith(HEAD)) {
      name = `${positions ? 'wte' : 'embed_tokens'}.weight`
    }
    if (weight.name === 'logits') name = `${HEAD}.weight`
    bare.set(name, [...(bare.get(name) ?? []), weight])
  }
  return bare
}

/**
 * Lists the model's modules under the names the file uses: the body is called `model.` or `transformer.`, or nothing at
 * all, and the checkpoint may be written either way.
 * @param used Parameter or module names of the file, without `base_model.model.`.
 */
export function moduleTree(spec: DecoderSpec, used: Iterable<string>): ModuleTree {
  const bare = bareParameters(spec)
  const bodies = [...new Set([bodyPrefix(spec), ...BODIES])]
  const inBody = [...bare.keys()].filter((name) => !name.startsWith(HEAD)).map((name) => `${moduleOf(name)}.`)
  const starts = new Map(bodies.map((body) => [body, new Set(inBody.map((name) => body + name))]))
  const votes = [...used].map((name) => bodies.find((body) => hasStart(starts.get(body), name)))
  const body = votes.find((vote) => vote !== undefined) ?? bodies[0] ?? ''
  const parameters = new Map(
    [...bare].map(([name, weights]) => [name.startsWith(HEAD) ? name : body + name, weights]),
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

function toModule(name: string, weights: readonly NamedWeight[]): ModelModule | null {
  const first = weights[0]
  const [outer, inner] = first?.ref.shape ?? []
  if (!first || outer === undefined || inner === undefined) return null
  const embedding = first.name === 'embed' || first.name === 'positions'
  if (embedding) {
    const parts = [{ step: first.name, rows: [0, inner] as const }]
    return { name, kind: 'embedding', in: outer, out: inner, parts, head: false }
  }
  const parts = weights.map(({ name: step, ref }) => ({ step, rows: ref.rows ?? ([0, outer] as const) }))
  const out = Math.max(...parts.map(({ rows }) => rows[1]))
  return { name, kind: 'linear', in: inner, out, parts, head: first.name === 'logits' }
}
