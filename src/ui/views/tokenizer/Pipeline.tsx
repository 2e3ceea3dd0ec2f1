import type { Section } from '../../../text/inspect/types.ts'
import { readablePiece } from './measures.ts'
import type { SlotName } from './store.ts'
import { visibleText } from '../../../state/characterGroups.ts'
import { useTranslate } from '../../context.ts'
import { useSlot, useTokenizers } from './hooks.ts'
import { WordWorkPart } from './WordWorkPart.tsx'

/** Words listed; longer texts end in a remark. */
const MAX_WORDS = 400

/** Normalisation before and after, the words behind it, and how one of them became pieces. */
export function Pipeline({ name }: { name: SlotName }) {
  const t = useTranslate()
  const { explained, facts, word } = useSlot(name)
  if (explained === null || facts === null) return null
  return (
    <div className="tokenizer-pipeline">
      <h3 className="eyebrow">{t('tokenizer.normal')}</h3>
      {facts.normalizer.length === 0 ? (
        <p className="note">{t('tokenizer.noNormalizer')}</p>
      ) : (
        explained.sections.map((section, index) => <Steps key={index} section={section} />)
      )}
      <h3 className="eyebrow">
        {t('tokenizer.words')} <span className="note">{facts.preTokenizer.join(' → ')}</span>
      </h3>
      <Words name={name} sections={explained.sections} />
      {word !== null && <WordWorkPart word={word.text} work={word.work} byteLevel={facts.byteLevel} />}
      <SpecialTokens name={name} />
    </div>
  )
}

/** Each step that changed the text, with the text before it and after. */
function Steps({ section }: { section: Section }) {
  const t = useTranslate()
  if (section.kind === 'added' || section.steps.length === 0) return null
  const rows = section.steps.map((step, at) => ({
    ...step,
    previous: at === 0 ? section.text : (section.steps[at - 1]?.text ?? ''),
  }))
  return (
    <ol className="tokenizer-steps" data-testid="tokenizer-steps">
      {rows.map(({ name, previous, text }, index) => (
        <li key={index} data-changed={previous !== text}>
          <span className="tokenizer-step">{name}</span>
          {previous === text ? (
            <span className="note">{t('tokenizer.unchanged')}</span>
          ) : (
            <>
              <code>{visibleText(previous)}</code>
              <span aria-hidden="true">→</span>
              <code>{visibleText(text)}</code>
              <span className="note numeric">
                {t('tokenizer.lengths', { before: [...previous].length, after: [...text].length })}
              </span>
            </>
          )}
        </li>
      ))}
    </ol>
  )
}

/** A word with its pieces; an added token has none. */
interface Shown {
  text: string
  pieces: readonly string[] | null
}

function Words({ name, sections }: { name: SlotName; sections: readonly Section[] }) {
  const tokenizers = useTokenizers()
  const t = useTranslate()
  const { word, facts } = useSlot(name)
  const byteLevel = facts?.byteLevel === true
  const all = sections.flatMap((section): Shown[] =>
    section.kind === 'added' ? [{ text: section.text, pieces: null }] : [...section.words],
  )
  return (
    <p className="tokenizer-words">
      {all.slice(0, MAX_WORDS).map(({ text, pieces }, index) =>
        pieces === null ? (
          <span key={index} className="tokenizer-word tokenizer-added">
            {text}
          </span>
        ) : (
          <button
            key={index}
            type="button"
            className="tokenizer-word"
            data-testid="tokenizer-word"
            aria-pressed={word?.text === text}
            title={t('tokenizer.wordHint')}
            onClick={() => void tokenizers.showWord(name, word?.text === text ? null : text)}
          >
            {pieces.map((piece, at) => (
              <span key={at} className="tokenizer-piece">
                {readablePiece(piece, byteLevel)}
              </span>
            ))}
          </button>
        ),
      )}
      {all.length > MAX_WORDS && (
        <span className="note">{t('tokenizer.moreWords', { count: all.length - MAX_WORDS })}</span>
      )}
    </p>
  )
}

function SpecialTokens({ name }: { name: SlotName }) {
  const t = useTranslate()
  const { facts } = useSlot(name)
  if (facts === null || facts.added.length === 0) return null
  return (
    <details className="tokenizer-special">
      <summary>{t('tokenizer.special', { count: facts.added.length })}</summary>
      <ul>
        {facts.added.slice(0, MAX_WORDS).map(({ id, content, special }) => (
          <li key={id}>
            <span className="numeric">{id}</span> <code>{visibleText(content)}</code>{' '}
            {!special && <span className="note">{t('tokenizer.addedOnly')}</span>}
          </li>
        ))}
      </ul>
    </details>
  )
}
