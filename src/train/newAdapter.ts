import { moduleTree, type ModelModule } from '../adapters/modules.ts'
import { blankReport } from '../adapters/blankReport.ts'
import type { LoraModule, ParsedAdapter } from '../adapters/types.ts'
import type { NewAdapterOptions } from '../api/train.ts'
import type { ModelDescription } from '../arch/spec.ts'
import { TokenscopeError } from '../errors.ts'
import { outputCount } from '../program/outputs.ts'
import { matchesPattern } from '../program/step.ts'
import { random } from './order.ts'

const DEFAULT_RANK = 8
const MAX_RANK = 1024

function refuse(field: string, got: unknown, expected: string, hint: string): TokenscopeError {
  return new TokenscopeError('bad-argument', `${field} is ${JSON.stringify(got)}; expected ${expected}.`, {
    hint,
    details: { field, got, expected },
  })
}

/** Whether an entry of `targets` means a module: by its name, a dotted tail of it, or the step it is. */
function isMeant({ name, parts }: ModelModule, entry: string): boolean {
  if (name === entry || name.endsWith(`.${entry}`)) return true
  return parts.some(({ step }) => matchesPattern(step, entry) || step.endsWith(`.${entry}`))
}

/** The modules an adapter is made for. Throws `bad-argument` for an entry that means none, `unsupported` for an embedding. */
export function targetModules(
  model: ModelDescription,
  targets: NonNullable<NewAdapterOptions['targets']>,
): readonly ModelModule[] {
  const { modules } = moduleTree(model, [])
  if (typeof targets === 'string' && targets !== 'all-linear')
    throw refuse('targets', targets, "'all-linear' or a list of modules", 'Put the name into a list.')
  if (targets === 'all-linear') return modules.filter(({ kind, isLmHead }) => kind === 'linear' && !isLmHead)
  const unknown = targets.find((entry) => !modules.some((module) => isMeant(module, entry)))
  if (unknown !== undefined || targets.length === 0) {
    const tails = [...new Set(modules.map(({ name }) => name.slice(name.lastIndexOf('.') + 1)))]
    throw refuse(
      'targets',
      unknown ?? targets,
      `modules of this model: ${tails.join(', ')}`,
      'Name modules or steps.',
    )
  }
  const chosen = modules.filter((module) => targets.some((entry) => isMeant(module, entry)))
  const embedding = chosen.find(({ kind }) => kind === 'embedding')
  if (embedding) {
    throw new TokenscopeError(
      'unsupported',
      `${embedding.name} is an embedding, which cannot be trained here.`,
      {
        hint: 'Choose products: all-linear, q_proj, down_proj, …',
        details: { module: embedding.name },
      },
    )
  }
  return chosen
}

function checkNumbers(rank: number, alpha: number, seed: number): void {
  if (!Number.isInteger(rank) || rank < 1 || rank > MAX_RANK)
    throw refuse('rank', rank, `a whole number from 1 to ${MAX_RANK}`, 'Take 4 to 64.')
  if (!Number.isFinite(alpha))
    throw refuse('alpha', alpha, 'a finite number', 'Take the rank, or twice that.')
  if (!Number.isInteger(seed)) throw refuse('seed', seed, 'a whole number', 'Leave it out for 0.')
}

/**
 * An adapter as PEFT starts one: A uniform in ±1/√in (Kaiming with a = √5), B zero. Products that are parts of one module share A.
 */
export function untrainedAdapter(model: ModelDescription, options: NewAdapterOptions): ParsedAdapter {
  const { name, rank = DEFAULT_RANK, alpha = 2 * rank, targets = 'all-linear', seed = 0 } = options
  if (typeof name !== 'string' || name === '')
    throw refuse('name', name, 'a name', 'Give the adapter a name.')
  checkNumbers(rank, alpha, seed)
  const uniform = random(seed)
  const modules = targetModules(model, targets).flatMap((module): LoraModule[] => {
    const bound = 1 / Math.sqrt(module.in)
    const a = Float32Array.from({ length: rank * module.in }, () => (2 * uniform() - 1) * bound)
    return module.parts.map((part): LoraModule => {
      const out = outputCount(part, module.out)
      const sizes = { in: module.in, out, rank, alpha, scaling: alpha / rank }
      return {
        ...part,
        kind: 'linear',
        source: module.name,
        ...sizes,
        a,
        b: new Float32Array(out * rank),
        magnitude: null,
      }
    })
  })
  const report = { ...blankReport(name), matched: modules.map(matched), features: ['lora' as const] }
  return { name, modules, replacements: [], report }
}

function matched({ step, source, rank, alpha, scaling, in: inner, out }: LoraModule) {
  return {
    step,
    source,
    rank,
    alpha,
    scaling,
    shapes: { a: [rank, inner] as const, b: [out, rank] as const },
    dora: false,
  }
}
