import { expect, test } from 'vitest'
import type { ModelDescription } from '../../src/arch/spec.ts'
import { formulaOf } from '../../src/ops/index.ts'
import { formatNumber } from '../../src/ops/formulas.ts'
import { withAdapters } from '../../src/program/changes.ts'
import { fuse } from '../../src/program/fuse.ts'
import type { Program } from '../../src/program/step.ts'
import { describeFixture, FUSE, recordRows } from './models.ts'

const llama = await describeFixture('llama', { rms_norm_eps: 3e-6 })
const gemma = await describeFixture('gemma2')
const gpt2 = await describeFixture('gpt2')
const mistral = await describeFixture('mistral-window')
const unscaled = await describeFixture('gpt2', { scale_attn_weights: false })

const fine = (model: ModelDescription): Program => recordRows(model, 1)
const lowered = (model: ModelDescription): Program => fuse(fine(model), FUSE)
const adapted = withAdapters(fine(llama), {
  ranks: () => 4,
  replacers: (step) => Number(step === 'layers.1.attn.o'),
})

const FORMULAS: readonly [program: Program, step: string, formula: string][] = [
  [fine(llama), 'embed', 'x = E[token]'],
  [fine(gpt2), 'embed', 'x = E[token] + P[position]'],
  [fine(gemma), 'embed', 'x = √48·E[token]'],
  [fine(llama), 'layers.0.attn_norm', 'y = x / √(mean(x²) + 3·10^−6) ∘ g'],
  [fine(gemma), 'layers.0.attn_norm', 'y = x / √(mean(x²) + 10^−6) ∘ (1 + g)'],
  [fine(gpt2), 'layers.0.attn_norm', 'y = (x − mean(x)) / √(var(x) + 10^−5) ∘ g + b'],
  [fine(llama), 'layers.0.attn.q', 'y = W·x'],
  [fine(gpt2), 'layers.0.attn.q', 'y = W·x + b'],
  [fine(llama), 'layers.0.attn.scores', 's = 1/√12·q·kᵀ'],
  [fine(gemma), 'layers.0.attn.scores', 's = 4·tanh((1/√14·q·kᵀ)/4)'],
  [fine(unscaled), 'layers.0.attn.scores', 's = q·kᵀ'],
  [fine(llama), 'layers.0.attn.probs', 'p = softmax(s) over positions ≤ own'],
  [fine(mistral), 'layers.0.attn.probs', 'p = softmax(s) over own − 12 < positions ≤ own'],
  [fine(llama), 'layers.0.mlp.act', 'y = silu(gate) ∘ up'],
  [fine(gpt2), 'layers.0.mlp.act', 'y = gelu_tanh(x)'],
  [fine(gemma), 'logits', 'y = 5·tanh((W·x)/5)'],
  [
    lowered(gemma),
    'layers.0.attn.context',
    'context = softmax(4·tanh((1/√14·q·kᵀ)/4))·V over own − 12 < positions ≤ own',
  ],
  [
    lowered(gemma),
    'layers.1.attn.context',
    'context = softmax(4·tanh((1/√14·q·kᵀ)/4))·V over positions ≤ own',
  ],
  [lowered(gemma), 'layers.0.resid_attn', 'y = residual + x / √(mean(x²) + 10^−6) ∘ (1 + g)'],
  [lowered(gemma), 'logits', 'y = 5·tanh((W·(x / √(mean(x²) + 10^−6) ∘ (1 + g)))/5)'],
  [lowered(llama), 'layers.0.attn.q_k_v', 'y = W·(x / √(mean(x²) + 3·10^−6) ∘ g)'],
  [lowered(llama), 'layers.0.attn.cache', 'q = rope(q), K[position] = rope(k), V[position] = v'],
  [lowered(gpt2), 'layers.0.attn.cache', 'q = q, K[position] = k, V[position] = v'],
  [lowered(llama), 'layers.0.resid', 'y = residual + W·x'],
  [lowered(llama), 'layers.0.mlp.act', 'y = silu(W_gate·x̂) ∘ (W_up·x̂), x̂ = x / √(mean(x²) + 3·10^−6) ∘ g'],
  [adapted, 'layers.0.attn.q_k_v.lora_a', 'y = s·(α/r)·(A·x)'],
  [adapted, 'layers.0.attn.k', 'y = W·x + Σ B·(A·x)'],
  [adapted, 'layers.1.attn.o', 'y = base + s·(replacement − base)'],
  [adapted, 'embed', 'y = E[token] + Σ s·(α/r)·B·A[token]'],
]

test.each(FORMULAS.map(([program, name, formula]) => ({ steps: program.steps, name, formula })))(
  '$name: $formula',
  ({ steps, name, formula }) => {
    const step = steps.find((each) => each.name === name)
    expect(step && formulaOf(step)).toBe(formula)
  },
)

test('a rotation tells its base and how much of a head turns', () => {
  const { steps } = fine(llama)
  const step = steps.find(({ name }) => name === 'layers.0.attn.q_rope')
  expect(step && formulaOf(step)).toBe(
    '(a, b) → (a·cos φ − b·sin φ, b·cos φ + a·sin φ), φᵢ = position·10000^(−2i/12)',
  )
})

test.each([
  [1, '1'],
  [1 / Math.sqrt(64), '1/√64'],
  [1 / Math.sqrt(96), '1/√96'],
  [Math.sqrt(2304), '48'],
  [Math.sqrt(2560), '√2560'],
  [0.0312345, '0.03123'],
  [30, '30'],
])('%d is written %s', (value, text) => expect(formatNumber(value)).toBe(text))
