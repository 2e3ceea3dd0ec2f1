import type { ParsedAdapter } from '../adapters/types.ts'
import { TokenscopeError } from '../errors.ts'
import type { Runner } from '../run/runner.ts'
import { WeightReader } from '../weights/reader.ts'

/**
 * The adapter without the matrices of its base: PEFT stores one beside an adapted embedding or head. It must be the loaded one, and
 * is not kept twice.
 * @throws `unsupported` when it is another base's.
 */
export async function withoutBaseCopies(parsed: ParsedAdapter, runner: Runner): Promise<ParsedAdapter> {
  const reader = new WeightReader(runner)
  for (const { name, origin, values } of parsed.replacements) {
    if (origin !== 'base') continue
    const loaded = await reader.matrix(
      runner.weights.view(name === 'logits' && runner.model.tiedLmHead ? 'embed' : name),
    )
    let largest = 0
    let difference = 0
    values.forEach((value, i) => {
      largest = Math.max(largest, Math.abs(loaded[i] ?? 0))
      difference = Math.max(difference, Math.abs(value - (loaded[i] ?? 0)))
    })
    // A quantised base differs from its copy by up to half a step: 1/16 of the largest weight for q4_0.
    if (difference > largest / 12) throw otherBase(parsed.name, name, difference)
  }
  return { ...parsed, replacements: parsed.replacements.filter(({ origin }) => origin !== 'base') }
}

function otherBase(adapter: string, name: string, difference: number): TokenscopeError {
  return new TokenscopeError(
    'unsupported',
    `The adapter "${adapter}" carries another ${name} matrix than the loaded model's.`,
    {
      hint: 'It was trained on another base. Load that base, or an adapter without its own copy of the matrix.',
      details: { adapter, name, difference },
    },
  )
}
