import { TokenscopeError } from '../errors.ts'
import { textInContext } from '../text/tokenTexts.ts'
import type {
  AdapterScale,
  Edit,
  GeneratedToken,
  Model,
  ModelInfo,
  SaveTraceOptions,
  StepInfo,
} from '../api/model.ts'
import type { SavedEdit, SavedAdapter, SavedModel, SavedPrediction, SavedStep } from './types.ts'
import { writeTrace } from './write.ts'

/** Alternatives kept of every prediction. */
const ALTERNATIVES = 10

/** What is kept unless it is named: what each layer hands on, where its heads look, and the prediction. */
function mainSteps(steps: readonly StepInfo[]): string[] {
  const isMain = ({ op, layer }: StepInfo, at: number): boolean => {
    const next = steps[at + 1]
    return op === 'softmax' || next === undefined || next.layer !== layer
  }
  return steps.filter(isMain).map(({ name }) => name)
}

/**
 * Runs the tokens once more and writes what was seen as a trace file, which `openTrace` reads without a GPU. Live sequences are not
 * touched. @throws `bad-argument` for bad ids, probes that match nothing, or tokens that are not those of the ids.
 */
export async function saveTrace(
  model: Model,
  limits: Readonly<Record<string, number>>,
  ids: readonly number[],
  options: SaveTraceOptions = {},
): Promise<Uint8Array> {
  const { tokens = [], promptLength = ids.length, settings = {}, edits } = options
  checkTokens(ids, promptLength, tokens)
  const adapters = await scalesOf(model, options.adapters)
  // Named from here on: a slider moved meanwhile must not give the parts of the file different adapters.
  const forward = { adapters: adapters.map(({ id, scale }) => ({ id, scale })), edits }
  const steps = await model.steps({ rows: ids.length })
  const tensors = await model.trace(ids, { probes: options.probes ?? mainSteps(steps), ...forward })
  const predictions = await predictionsOf(model, ids, forward)
  return writeTrace({
    model: describeModel(model.info),
    machine: { browser: environment(), device: model.info.backend, limits },
    ids,
    texts: await textsOf(model, ids, tokens),
    promptLength,
    settings,
    adapters,
    edits: (edits ?? []).map(describeEdit),
    tokens,
    predictions,
    steps: steps.map((step) => describeStep(step, tensors.get(step.name)?.shape)),
    tensors,
  })
}

/** The browser as it names itself, or Node with its version. */
function environment(): string {
  if (typeof navigator !== 'undefined') return navigator.userAgent
  const { process } = globalThis as { process?: { version?: string } }
  return process?.version === undefined ? '' : `Node.js ${process.version}`
}

/** The limits a device was granted, by name. */
export function readLimits({ limits }: GPUDevice): Record<string, number> {
  const read: Record<string, number> = {}
  // They are getters of the prototype.
  for (const name in limits) {
    const value: unknown = limits[name as keyof GPUSupportedLimits]
    if (typeof value === 'number' && Number.isFinite(value)) read[name] = value
  }
  return read
}

/** A model as others may know it: of a path or an address only the last part, which tells nothing about this machine. */
function modelName(id: string): string {
  if (!/^([/\\.]|[a-z]+:)/i.test(id)) return id
  return id.split(/[/\\]/).findLast((part) => part !== '') ?? id
}

function describeModel(info: ModelInfo): SavedModel {
  const { architecture, layers, heads, kvHeads, headDim, hidden, vocab } = info
  const { context, parameters, weights, backend, variant } = info
  return {
    id: modelName(info.id),
    architecture,
    layers,
    heads,
    kvHeads,
    headDim,
    hidden,
    vocab,
    context,
    parameters,
    weights,
    backend,
    variant: variant.name,
  }
}

/** A step without its kernel's text, with the shape its tensor really has. */
function describeStep(step: StepInfo, shape = step.output.shape): Omit<SavedStep, 'stats'> {
  const { name, op, layer, inputs, axes, params, output, flops, bytes, formula, coveredBy } = step
  return {
    name,
    op,
    layer,
    inputs,
    axes: axes.map((axis, i) => ({ ...axis, size: shape[i] ?? axis.size })),
    params: params.map(({ tensor }) => tensor),
    output: { ...output, shape },
    flops,
    bytes,
    formula,
    coveredBy,
  }
}

function checkTokens(ids: readonly number[], promptLength: number, tokens: readonly GeneratedToken[]): void {
  const isValidLength = Number.isInteger(promptLength) && promptLength >= 0 && promptLength <= ids.length
  const wrong = tokens.findIndex(({ id, position }) => position < promptLength || ids[position] !== id)
  if (isValidLength && wrong < 0) return
  const what = isValidLength
    ? `Token ${wrong} is not the id at its position`
    : `promptLength is ${promptLength}`
  throw new TokenscopeError('bad-argument', `${what} of the ${ids.length} ids to be saved.`, {
    hint: 'Give the ids of prompt and generated tokens together, and the tokens as generate yielded them.',
    details: { promptLength, ids: ids.length, token: wrong },
  })
}

/** What acts in the run, by name. */
async function scalesOf(model: Model, asked: readonly AdapterScale[] | undefined): Promise<SavedAdapter[]> {
  const loaded = await model.listAdapters()
  const names = new Map(loaded.map(({ id, name }) => [id, name]))
  const acting = asked ?? loaded
  return acting.map(({ id, scale }) => ({ id, name: names.get(id) ?? id, scale }))
}

type Forward = Pick<SaveTraceOptions, 'adapters' | 'edits'>

/** The model's own prediction behind every position: the lens at the last layer is the model's head. */
async function predictionsOf(
  model: Model,
  ids: readonly number[],
  forward: Forward,
): Promise<SavedPrediction[]> {
  const { layers, vocab, hasTokenizer } = model.info
  const { cells } = await model.lens(ids, {
    ...forward,
    layers: [layers - 1],
    topK: Math.min(ALTERNATIVES, vocab),
  })
  const words = new Map<number, string>()
  const predictions: SavedPrediction[] = []
  for (const { position, top, entropy, rank, probability } of cells) {
    const contextIds = ids.slice(0, position + 1)
    for (const { id } of top)
      if (hasTokenizer && !words.has(id)) words.set(id, await textInContext(model, contextIds, id))
    predictions.push({
      position,
      top: top.map(({ id, probability }) => ({
        id,
        text: words.get(id) ?? '',
        logprob: Math.log(probability),
      })),
      entropy,
      next: rank === null || probability === null ? null : { logprob: Math.log(probability), rank },
    })
  }
  return predictions
}

async function textsOf(
  model: Model,
  ids: readonly number[],
  tokens: readonly GeneratedToken[],
): Promise<string[]> {
  const texts = model.info.hasTokenizer ? await model.tokenTexts(ids) : ids.map(() => '')
  for (const { position, text } of tokens) texts[position] = text
  return texts
}

function describeEdit(edit: Edit): SavedEdit {
  const { kind, step, ...rest } = edit
  const values: Record<string, number> = {}
  for (const [name, value] of Object.entries(rest)) {
    if (typeof value === 'number') values[name] = value
    else if (value !== undefined) values['norm'] = Math.hypot(...value)
  }
  return { kind, step, values }
}
