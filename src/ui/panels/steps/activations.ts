/** Name of the activation in a step's formula, `y = silu(gate) ∘ up`. */
export function activationName(formula: string): string {
  return /(\w+)\(/.exec(formula)?.[1] ?? ''
}

/** erf to 1.5e-7 (Abramowitz and Stegun 7.1.26): enough for the digits on show. */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x))
  const poly =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
  return Math.sign(x) * (1 - poly * Math.exp(-x * x))
}

/** The activation by the name that formulas use; NaN for one this page does not know. */
export function activate(name: string, x: number): number {
  switch (name) {
    case 'silu':
      return x / (1 + Math.exp(-x))
    case 'gelu_erf':
    case 'gelu':
      return 0.5 * x * (1 + erf(x / Math.SQRT2))
    case 'gelu_tanh':
      return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
    case 'relu':
      return Math.max(0, x)
    default:
      return Number.NaN
  }
}

/** What a reader calls it. */
export function activationTitle(name: string): string {
  return name === 'silu' ? 'SiLU' : name.startsWith('gelu') ? 'GELU' : name.toUpperCase()
}
