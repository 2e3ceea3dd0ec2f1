import type { Settings } from '../../../state/settings.ts'
import { textOf } from '../../../state/textOf.ts'
import type { TokenLogSnapshot } from '../../../state/tokenLog.ts'
import { useCopied } from '../../components/useCopied.ts'
import { Icon } from '../../components/Icon.tsx'
import { useSlowTokenLog, useTranslate } from '../../context.ts'
import { saveFile } from '../../components/saveFile.ts'

/** A text of before, or the one on the page, which may still be none. */
type Text = Pick<TokenLogSnapshot, 'modelId' | 'promptIds' | 'promptTexts' | 'tokens' | 'bosId'> & {
  settings: Settings | null
}

/** Takes the text on the page elsewhere. */
export function TextTools() {
  const log = useSlowTokenLog(250)
  if (log.tokens.length === 0) return null
  return (
    <span className="text-tools">
      <CopyButton text={log} />
      <SaveButton text={log} />
    </span>
  )
}

/** Copies a text, prompt and all. */
export function CopyButton({ text }: { text: Text }) {
  const t = useTranslate()
  const [copied, copy] = useCopied()
  const label = t(copied ? 'action.copied' : 'runs.copy')
  return (
    <button
      type="button"
      className="button button-icon"
      data-testid="copy-text"
      aria-label={label}
      title={label}
      onClick={() => copy(textOf(text), 'Save the text as a file, or select it by hand.')}
    >
      <Icon name={copied ? 'check' : 'copy'} />
    </button>
  )
}

/** Saves a text as a file named after its model and seed. */
export function SaveButton({ text }: { text: Text }) {
  const t = useTranslate()
  const { modelId, settings } = text
  const save = () => {
    const name = modelId.replace(/[^\p{L}\p{N}.-]+/gu, '-') || 'text'
    const seed = settings === null ? '' : `-seed-${settings.seed}`
    saveFile({ name: `${name}${seed}.txt`, blob: new Blob([textOf(text)], { type: 'text/plain' }) })
  }
  return (
    <button
      type="button"
      className="button button-icon"
      data-testid="save-text"
      aria-label={t('runs.save')}
      title={t('runs.save')}
      onClick={save}
    >
      <Icon name="download" />
    </button>
  )
}
