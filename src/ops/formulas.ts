import type { Attrs, FoldedNorm, GateAttrs, ScoresAttrs } from '../program/attrs.ts'

/** A number of a formula: four significant digits, and roots where they are ones. */
export function formatNumber(value: number): string {
  for (const [text, number] of [
    ['1/√', 1 / value ** 2],
    ['√', value ** 2],
  ] as const) {
    const rounded = Math.round(number)
    if (!Number.isInteger(value) && rounded > 1 && Math.abs(number - rounded) < 1e-5 * rounded)
      return `${text}${rounded}`
  }
  return String(Number(value.toPrecision(4)))
}

/** Weight of a norm as it multiplies. */
const gain = (offset: number): string => (offset === 0 ? 'g' : `(${formatNumber(offset)} + g)`)

export function normFormula(norm: FoldedNorm, x = 'x'): string {
  return norm.kind === 'rms_norm'
    ? `${x} / √(mean(${x}²) + ${formatEps(norm.eps)}) ∘ ${gain(norm.offset)}`
    : `(${x} − mean(${x})) / √(var(${x}) + ${formatEps(norm.eps)}) ∘ g${norm.biased ? ' + b' : ''}`
}

const formatEps = (eps: number): string => eps.toExponential().replace('e-', '·10^−').replace(/^1·/, '')

/** Scaled and capped products of queries and keys. */
export function scoresFormula({ scale, softcap }: ScoresAttrs): string {
  const scaled = scale === 1 ? 'q·kᵀ' : `${formatNumber(scale)}·q·kᵀ`
  return softcap === null ? scaled : capFormula(scaled, softcap)
}

/** A factor in front of what it multiplies; nothing for 1. */
export function factorFormula(factor: number): string {
  return factor === 1 ? '' : `${formatNumber(factor)}·`
}

export function capFormula(x: string, cap: number): string {
  const c = formatNumber(cap)
  return `${c}·tanh((${x})/${c})`
}

/** What a gated MLP makes of its two products. */
export function gateFormula({ activation, clamp }: GateAttrs, gate = 'gate', up = 'up'): string {
  if (!clamp) return `${activation}(${gate}) ∘ ${up}`
  const [limit, alpha] = [formatNumber(clamp.limit), formatNumber(clamp.alpha)]
  return `g·σ(${alpha}·g) ∘ (u + 1), g = min(${gate}, ${limit}), u = clamp(${up}, ±${limit})`
}

/** Which positions a row sees. */
export function seenFormula({ window, mask = 'causal' }: Attrs['softmax']): string {
  const [low, high] = [
    window === null ? '' : `own − ${window} < `,
    window === null ? '' : ` < own + ${window}`,
  ]
  if (mask === 'causal') return `${low}positions ≤ own`
  if (mask === 'bidirectional') return window === null ? 'all positions' : `${low}positions${high}`
  return `${low}positions ≤ own, or both < ${mask.prefix}${high && ` and positions${high}`}`
}
