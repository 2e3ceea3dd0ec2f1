import { invariant } from '../errors.ts'
import { tokenizerFiles } from '../text/inspect/files.ts'
import { TokenizerInspector } from '../text/inspect/inspector.ts'
import type { AnswerOf, TokenizerMethod, TokenizerRequest } from './tokenizerProtocol.ts'

interface Held {
  inspector: TokenizerInspector
  /** With the tokens of the last what-if. */
  extended: TokenizerInspector | null
}

/** Holds tokenizers by name and takes texts apart with them. */
export class TokenizerHost {
  readonly #held = new Map<string, Held>()

  async answer(request: TokenizerRequest): Promise<AnswerOf<TokenizerMethod>> {
    const { slot } = request
    if (request.method === 'open') {
      const inspector = await TokenizerInspector.open(tokenizerFiles(request.args.files))
      this.#held.set(slot, { inspector, extended: null })
      return inspector.facts
    }
    const held = this.#held.get(slot)
    invariant(held !== undefined, `the tokenizer ${slot} is open`)
    switch (request.method) {
      case 'explain':
        return held.inspector.explain(request.args.text, request.args.options)
      case 'work':
        return held.inspector.work(request.args.word, request.args.options)
      case 'whatIf': {
        const { inspector, saved } = held.inspector.whatIf(request.args.request)
        held.extended = inspector
        return saved
      }
      case 'explainWhatIf':
        return (held.extended ?? held.inspector).explain(request.args.text, request.args.options)
    }
  }
}
