import type { Activation } from '../../../../api/model.ts'

interface ActivationView {
  /** What a reader calls it. */
  readonly title: string
  readonly apply: (x: number) => number
}

/** erf to 1.5e-7 (Abramowitz and Stegun 7.1.26): enough for the digits on show. */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x))
  const poly =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
  return Math.sign(x) * (1 - poly * Math.exp(-x * x))
}

/** Activations by the names that steps have for them. */
export const ACTIVATIONS: Readonly<Record<Activation, ActivationView>> = {
  silu: { title: 'SiLU', apply: (x) => x / (1 + Math.exp(-x)) },
  gelu: { title: 'GELU', apply: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)) },
  gelu_tanh: {
    title: 'GELU',
    apply: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  },
  gelu_sigmoid: { title: 'GELU', apply: (x) => x / (1 + Math.exp(-1.702 * x)) },
  sigmoid: { title: 'σ', apply: (x) => 1 / (1 + Math.exp(-x)) },
  relu: { title: 'ReLU', apply: (x) => Math.max(0, x) },
  relu_squared: { title: 'ReLU²', apply: (x) => Math.max(0, x) ** 2 },
}
