import type { PreferencePair, TrainExample, TrainOptions } from '../api/train.ts'
import { TokenscopeError } from '../errors.ts'
import { checkExamples, type Limits, type PassText } from './texts.ts'

const isPair = (example: TrainExample | PreferencePair): example is PreferencePair => 'chosen' in example

function textOf(prompt: readonly number[], answer: readonly number[]): TrainExample {
  const ids = [...prompt, ...answer]
  return { ids, mask: ids.map((_, i): 0 | 1 => (i < prompt.length ? 0 : 1)) }
}

function refuseKind(example: number, expected: string, objective: string): TokenscopeError {
  return new TokenscopeError('bad-argument', `Example ${example} is not ${expected}.`, {
    hint: `The objective "${objective}" learns from ${expected} each.`,
    details: { example, objective, expected },
  })
}

function checkPair({ prompt, chosen, rejected }: PreferencePair, example: number): void {
  const empty = Object.entries({ prompt, chosen, rejected }).find(([, ids]) => !((ids?.length ?? 0) > 0))
  if (!empty) return
  throw new TokenscopeError('bad-argument', `Pair ${example} has no ids in its "${empty[0]}".`, {
    hint: 'A pair is a prompt and two answers to it, each of at least one id.',
    details: { example, field: empty[0] },
  })
}

/** The texts of every example: of a pair both answers, and both once more without the adapter. Throws `bad-argument`. */
export function textsOf(
  examples: readonly (TrainExample | PreferencePair)[],
  objective: TrainOptions['objective'],
  limits: Limits,
): (readonly PassText[])[] {
  if (objective !== 'dpo') {
    const plain = examples.map((example, i) => {
      if (isPair(example)) throw refuseKind(i, '{ ids, mask }', objective ?? 'likelihood')
      return example
    })
    checkExamples(plain, limits)
    return plain.map((example) => [example])
  }
  const answers = examples.flatMap((example, i) => {
    if (!isPair(example)) throw refuseKind(i, '{ prompt, chosen, rejected }', objective)
    checkPair(example, i)
    return [textOf(example.prompt, example.chosen), textOf(example.prompt, example.rejected)]
  })
  checkExamples(answers, limits, (i) => `The ${i % 2 === 0 ? 'chosen' : 'rejected'} text of pair ${i >> 1}`)
  return examples.map((_, i) => {
    const pair = answers.slice(2 * i, 2 * i + 2)
    return [...pair, ...pair.map((text) => ({ ...text, isReference: true }))]
  })
}
