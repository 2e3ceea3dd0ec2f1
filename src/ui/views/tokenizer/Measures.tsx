import { scriptMeasures, textMeasure } from './measures.ts'
import type { SlotName } from './store.ts'
import { formatCount } from '../../../maths/format.ts'
import { useTranslate } from '../../context.ts'
import { useSlot } from './hooks.ts'

const ratio = (tokens: number, characters: number): string =>
  characters === 0 ? '–' : (tokens / characters).toFixed(2)

/** How many tokens the text takes, over all and by script. */
export function Measures({ name }: { name: SlotName }) {
  const t = useTranslate()
  const { explained, text } = useSlot(name)
  if (explained === null) return null
  const { tokens, characters, bytes, unknown } = textMeasure(explained, text)
  return (
    <dl className="tokenizer-measures numeric">
      <div>
        <dt>{t('tokenizer.tokens')}</dt>
        <dd data-testid={`tokenizer-count-${name}`} data-value={tokens}>
          {formatCount(tokens)}
        </dd>
      </div>
      <div>
        <dt>{t('tokenizer.characters')}</dt>
        <dd>{formatCount(characters)}</dd>
      </div>
      <div>
        <dt>{t('tokenizer.perCharacter')}</dt>
        <dd>{ratio(tokens, characters)}</dd>
      </div>
      <div>
        <dt>{t('tokenizer.perByte')}</dt>
        <dd>{ratio(tokens, bytes)}</dd>
      </div>
      {scriptMeasures(explained).map((one) => (
        <div key={one.script}>
          <dt title={t('tokenizer.scriptHint')}>{t(`tokenizer.script.${one.script}`)}</dt>
          <dd>{ratio(one.tokens, one.characters)}</dd>
        </div>
      ))}
      {unknown > 0 && (
        <div>
          <dt>{t('tokenizer.unknown')}</dt>
          <dd>{formatCount(unknown)}</dd>
        </div>
      )}
    </dl>
  )
}
