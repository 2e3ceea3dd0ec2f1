import { useEffect, useState } from 'react'
import { formatCount } from '../../maths/format.ts'
import { answeringModel } from '../../state/app.ts'
import { encodePrompt } from '../../state/encodePrompt.ts'
import { useApp, useSession, useTranslate } from '../context.ts'
import { later } from '../views/later.tsx'

/** Milliseconds without a key before the prompt is counted. */
const DEBOUNCE_MS = 250

/** What may be a special token written out: `<|end|>`, `</s>`, `[INST]`. */
const MARKED = /<\S+>|\[\/?[A-Z]+\]/

const SpecialSwitch = later(async () => (await import('./SpecialSwitch.tsx')).SpecialSwitch)

/** How much of the context the prompt takes, before it is run; what does not fit is said. */
export function PromptCount() {
  const t = useTranslate()
  const context = useApp((state) => answeringModel(state.model)?.context ?? null)
  const tokens = usePromptTokens()
  const prompt = useApp((state) => state.prompt)
  if (tokens === null || context === null) return null
  const values = { tokens: formatCount(tokens), context: formatCount(context) }
  const long = tokens >= context
  return (
    <>
      {MARKED.test(prompt) && <SpecialSwitch />}
      <span
        className={long ? 'note numeric prompt-long' : 'note numeric'}
        role={long ? 'status' : undefined}
        data-testid="prompt-count"
      >
        {t(long ? 'prompt.tooLong' : 'prompt.count', values)}
      </span>
    </>
  )
}

/** Tokens of the prompt under the model that answers; null while that is not known. */
function usePromptTokens(): number | null {
  const session = useSession()
  const prompt = useApp((state) => state.prompt)
  const model = useApp((state) => answeringModel(state.model)?.id ?? null)
  const parseSpecial = useApp((state) => state.parseSpecial)
  const [tokens, setTokens] = useState<number | null>(null)
  useEffect(() => {
    let wanted = true
    const put = (count: number | null) => wanted && setTokens(count)
    const timer = setTimeout(() => {
      const answering = session.model
      // An engine elsewhere is told of the prompt when a person runs it.
      if (answering === null || answering.info.remote) return put(null)
      // What is no prompt, as words for a model without a tokenizer, is said when it is run.
      return void encodePrompt(answering, prompt, { parseSpecial }).then(
        (ids) => put(ids.length),
        () => put(null),
      )
    }, DEBOUNCE_MS)
    return () => {
      wanted = false
      clearTimeout(timer)
    }
  }, [session, prompt, model, parseSpecial])
  return tokens
}
