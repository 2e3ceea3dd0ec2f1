import { elementsOf, isOp, type Step } from '../program/step.ts'
import type { PlacedAdapter } from './adapterBuffers.ts'
import type { ExpertLora } from './types.ts'

interface Placed {
  readonly slot: number
  readonly lora: ExpertLora
}

/** All adapters on the matrices of experts of one step, in the order that shaders/ops/expert_lora_a.wgsl reads. */
export interface ExpertStack {
  readonly vector: string
  readonly ranks: number
  readonly words: Float32Array<ArrayBuffer>
}

/** Ranks of all adapters side by side, expert by expert. */
function pack(placed: readonly Placed[], ranks: number): Float32Array<ArrayBuffer> {
  const { experts = 0, in: inner = 0, out = 0 } = placed[0]?.lora ?? {}
  const beginB = experts * ranks * inner
  const table = beginB + experts * out * ranks
  const words = new Float32Array(table + 2 * ranks)
  let first = 0
  for (const { slot, lora } of placed) {
    const { rank, a, b, scaling } = lora
    for (let e = 0; e < experts; e++) {
      words.set(a.subarray(e * rank * inner, (e + 1) * rank * inner), (e * ranks + first) * inner)
      for (let n = e * out; n < (e + 1) * out; n++)
        words.set(b.subarray(n * rank, (n + 1) * rank), beginB + n * ranks + first)
    }
    for (let r = 0; r < rank; r++) words.set([slot, scaling], table + 2 * (first + r))
    first += rank
  }
  return words
}

/** What adapters put on the matrices of experts, by step. */
export function stackExperts(adapters: readonly PlacedAdapter[]): Map<string, ExpertStack> {
  const placed = adapters.flatMap(({ slot, parsed }) =>
    (parsed.experts ?? []).map((lora): Placed => ({ slot, lora })),
  )
  return new Map(
    [...new Set(placed.map(({ lora }) => lora.step))].map((step) => {
      const ofStep = placed.filter(({ lora }) => lora.step === step)
      const ranks = ofStep.reduce((sum, { lora }) => sum + lora.rank, 0)
      return [step, { vector: `${step}.lora`, ranks, words: pack(ofStep, ranks) }]
    }),
  )
}

/** The product as the base has it, its low ranks, and the sum of both under the product's own name. */
export function stepsOnExperts(step: Step, { vector, ranks }: ExpertStack): Step[] {
  if (!isOp(step, 'expert_linear')) return [step]
  const { experts, chosen, perExpert } = step.attrs
  const [x = '', ids = ''] = step.inputs
  const [, inner = 0] = step.params[0]?.shape ?? []
  const out = step.axes.at(-1)?.size ?? 0
  const attrs = { vector, experts, chosen, ranks, in: inner, out }
  const rows = elementsOf(step) / out
  const plain: Step = { ...step, name: `${step.name}.plain`, stream: null }
  const low: Step = {
    ...step,
    name: `${step.name}.lora_a`,
    op: 'expert_lora_a',
    inputs: [x, ids],
    params: [],
    attrs: { ...attrs, perExpert },
    axes: [...step.axes.slice(0, -1), { kind: 'ranks', size: ranks }],
    stream: null,
    saves: [],
    flops: 2 * rows * ranks * inner,
  }
  const sum: Step = {
    ...step,
    op: 'expert_lora',
    inputs: [plain.name, ids, low.name],
    params: [],
    attrs,
    saves: [],
    flops: 2 * elementsOf(step) * ranks,
  }
  return [plain, low, sum]
}
