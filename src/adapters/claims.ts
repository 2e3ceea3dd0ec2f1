import type { ModelDescription } from '../arch/spec.ts'
import type { ParsedAdapter } from './types.ts'

/** The step whose parameter it is. */
export const stepOf = (name: string): string => name.replace(/\.bias$/, '')

/** True when an adapter changes the embedding by more than low-rank additions to its rows. */
export function wantsDenseEmbedding({ modules, replacements }: ParsedAdapter): boolean {
  return (
    modules.some(({ step, magnitude }) => step === 'positions' || (step === 'embed' && magnitude !== null)) ||
    replacements.some(({ name }) => name === 'embed' || name === 'positions')
  )
}

/** Steps that an adapter has a whole module of its own for, and all that it changes. */
interface Claims {
  replaced: Set<string>
  changed: Set<string>
}

function claimsOf(adapter: ParsedAdapter, model: ModelDescription): Claims {
  const { modules, replacements } = adapter
  const isVector = (step: string): boolean =>
    model.params.find(({ name }) => name === step)?.role === 'vector'
  const dense = wantsDenseEmbedding(adapter) ? ['embed'] : []
  // The trained bias of a product is added to it; that of a norm goes with the norm.
  const replacing = replacements.filter(({ name }) => !name.endsWith('.bias') || isVector(stepOf(name)))
  const replaced = [...dense, ...replacing.map(({ name }) => stepOf(name))]
  const others = [...modules.map(({ step }) => step), ...replacements.map(({ name }) => stepOf(name))]
  return { replaced: new Set(replaced), changed: new Set([...replaced, ...others]) }
}

/** The step that one of two adapters replaces as a whole while the other changes it too; null where both can act together. */
export function claimedTwice(a: ParsedAdapter, b: ParsedAdapter, model: ModelDescription): string | null {
  const [one, other] = [claimsOf(a, model), claimsOf(b, model)]
  const isTwice = (step: string): boolean =>
    (one.replaced.has(step) && other.changed.has(step)) || (other.replaced.has(step) && one.changed.has(step))
  return [...one.changed].find(isTwice) ?? null
}
