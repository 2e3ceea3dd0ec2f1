import { BlankSlate } from '../../components/BlankSlate.tsx'
import { useEffect, useMemo, useState } from 'react'
import type { TrainExample } from '../../../api/model.ts'
import type { EncodedExample } from './store/encodeRecords.ts'
import { exampleTokens, type ShownToken } from './store/exampleTexts.ts'
import { lengthsOf } from './store/split.ts'
import { formatCount } from '../../../maths/format.ts'
import { visibleText } from '../../../state/characterGroups.ts'
import { Icon } from '../../components/Icon.tsx'
import { useSession, useTranslate } from '../../context.ts'
import { useData, useSplit, useTraining } from './hooks.ts'

/** Examples on one page of the table. */
const PAGE = 12

/** Keys that choose another example, by the one chosen. */
const MOVES: Readonly<Record<string, (at: number) => number>> = {
  ArrowUp: (at) => at - 1,
  ArrowDown: (at) => at + 1,
  Home: () => 0,
  End: () => Infinity,
}

/** The examples as the model reads them, and the chosen one as predictions side by side. */
export function Examples() {
  const t = useTranslate()
  const examples = useData((state) => state.examples)
  const selected = useData((state) => state.selected)
  const { data } = useTraining()
  const { split } = useSplit()
  const page = Math.floor(selected / PAGE)
  if (examples.length === 0) return <EmptyExamples />
  const held = new Set(split.held)
  const shown = examples.slice(page * PAGE, (page + 1) * PAGE)
  return (
    <section className="train-examples" aria-label={t('train.examples')}>
      <div className="train-examples-head">
        <h3 className="eyebrow">{t('train.examples')}</h3>
        <Lengths />
        <Pages page={page} />
      </div>
      <div
        className="train-table"
        role="listbox"
        tabIndex={0}
        aria-label={t('train.examples')}
        aria-activedescendant={`train-example-${selected}`}
        onKeyDown={(event) => {
          const to = MOVES[event.key]?.(selected)
          if (to === undefined) return
          event.preventDefault()
          data.select(to)
        }}
      >
        {shown.map((example, at) => (
          <ExampleLine
            key={page * PAGE + at}
            example={example}
            number={page * PAGE + at}
            held={held.has(page * PAGE + at)}
            selected={page * PAGE + at === selected}
          />
        ))}
      </div>
      <Targets example={examples[selected] ?? null} />
    </section>
  )
}

function EmptyExamples() {
  const t = useTranslate()
  const isReading = useData((state) => state.phase.kind === 'reading')
  return (
    <BlankSlate title={t(isReading ? 'train.reading' : 'train.empty')}>
      {!isReading && <p>{t('train.emptyHint')}</p>}
    </BlankSlate>
  )
}

function Lengths() {
  const t = useTranslate()
  const examples = useData((state) => state.examples)
  const { split } = useSplit()
  // Both answers of a preference are read and learned.
  const lengths = lengthsOf(
    examples.flatMap((one) => (one.rejected ? [one, { ...one.rejected, cut: 0 }] : [one])),
  )
  if (lengths === null) return null
  const { shortest, median, longest, tokens, counted, cut, lost } = lengths
  return (
    <p className="note numeric" data-testid="train-lengths">
      {t('train.split', { train: formatCount(split.train.length), held: formatCount(split.held.length) })}
      {' · '}
      {t(shortest === longest ? 'train.lengthsSame' : 'train.lengths', {
        shortest: formatCount(shortest),
        median: formatCount(median),
        longest: formatCount(longest),
        tokens: formatCount(tokens),
        counted: formatCount(counted),
      })}
      {cut > 0 && ` · ${t('train.cut', { cut: formatCount(cut), lost: formatCount(lost) })}`}
    </p>
  )
}

function Pages({ page }: { page: number }) {
  const t = useTranslate()
  const { data } = useTraining()
  const count = useData((state) => state.examples.length)
  const last = Math.ceil(count / PAGE) - 1
  if (last === 0) return null
  return (
    <span className="train-pages">
      <button
        type="button"
        className="button button-icon"
        aria-label={t('train.pageBack')}
        disabled={page === 0}
        onClick={() => data.select((page - 1) * PAGE)}
      >
        <Icon name="left" />
      </button>
      <span className="note numeric">
        {formatCount(page * PAGE + 1)}–{formatCount(Math.min(count, (page + 1) * PAGE))} /{' '}
        {formatCount(count)}
      </span>
      <button
        type="button"
        className="button button-icon"
        aria-label={t('train.pageNext')}
        disabled={page === last}
        onClick={() => data.select((page + 1) * PAGE)}
      >
        <Icon name="right" />
      </button>
    </span>
  )
}

/** A text that is learned, or that is to lose. */
interface ShownText extends TrainExample {
  prompt: string
}

/** The answer of a preference that is to lose, as a text of its own; null of any other example. */
function useLoser({ prompt, rejected }: EncodedExample): ShownText | null {
  return useMemo(() => (rejected === undefined ? null : { ...rejected, prompt }), [prompt, rejected])
}

/** Tokens of a text with what they read; null until they are known. */
function useTokens(example: ShownText | null): readonly ShownToken[] | null {
  const session = useSession()
  const [read, setRead] = useState<{ of: ShownText; tokens: readonly ShownToken[] } | null>(null)
  useEffect(() => {
    const { model } = session
    if (example === null || model === null) return
    let wanted = true
    exampleTokens(model, example).then(
      (tokens) => wanted && setRead({ of: example, tokens }),
      (error: unknown) => wanted && session.report(error),
    )
    return () => {
      wanted = false
    }
  }, [session, example])
  return read !== null && read.of === example ? read.tokens : null
}

interface LineProps {
  example: EncodedExample
  number: number
  held: boolean
  selected: boolean
}

/** Tokens of a line that are shown; the chosen example shows all of its own. */
const SHOWN = 64

function ExampleLine({ example, number, held, selected }: LineProps) {
  const t = useTranslate()
  const { data } = useTraining()
  const loser = useLoser(example)
  const { ids, line, cut } = example
  return (
    <div
      className="train-example"
      id={`train-example-${number}`}
      role="option"
      aria-selected={selected}
      data-testid="train-example"
      data-line={line}
      data-split={held ? 'held' : 'train'}
      data-tokens={ids.length}
      data-cut={cut}
      onClick={() => data.select(number)}
    >
      <span className="train-example-facts note numeric">
        <span title={t('train.lineHint', { line })}>{formatCount(number + 1)}</span>
        <span className={held ? 'tag tag-held' : 'tag'}>{t(held ? 'train.held' : 'train.learned')}</span>
        <span>{formatCount(ids.length)}</span>
      </span>
      <span className="train-texts">
        <Tokens text={example} label={loser && t('train.chosen')} />
        {loser && <Tokens text={loser} label={t('train.rejected')} />}
      </span>
    </div>
  )
}

/** The tokens of one text; those that are not graded are greyed. `label`: which answer of a preference it is. */
function Tokens({ text, label }: { text: ShownText; label: string | null }) {
  const tokens = useTokens(text)
  const { ids, mask } = text
  return (
    <span className="train-tokens one-line">
      {label !== null && <span className="tag">{label}</span>}
      {(tokens ?? []).slice(0, SHOWN).map((token, at) => (
        <Token key={at} token={token} counted={at > 0 && mask[at] === 1} />
      ))}
      {ids.length > SHOWN && '…'}
    </span>
  )
}

function Token({ token: { id, text, label }, counted }: { token: ShownToken; counted: boolean }) {
  return (
    <span
      className={label === null ? 'train-token' : 'train-token train-token-mark'}
      data-counted={counted}
      data-token-id={id}
    >
      {label ?? visibleText(text)}
    </span>
  )
}

/** Teacher forcing: every token is an input, and what is to be predicted behind it is the next one of the text, whatever the model would say. */
function Targets({ example }: { example: EncodedExample | null }) {
  const t = useTranslate()
  const tokens = useTokens(example)
  if (example === null || tokens === null) return null
  const { mask } = example
  const none: ShownToken = { id: -1, text: '', label: '' }
  return (
    <details className="train-targets" open>
      <summary className="eyebrow">{t('train.targets')}</summary>
      <p className="note">{t('train.targetsHint')}</p>
      <ol className="train-target-list" tabIndex={0} aria-label={t('train.targets')}>
        {tokens.slice(0, -1).map((token, at) => {
          const counted = mask[at + 1] === 1
          return (
            <li key={at} data-testid="train-target" data-counted={counted}>
              <Token token={token} counted />
              <span aria-hidden="true">→</span>
              <span className="visually-hidden">{t('train.predict')}</span>
              {counted ? (
                <Token token={tokens[at + 1] ?? none} counted />
              ) : (
                <span className="train-masked">{t('train.masked')}</span>
              )}
            </li>
          )
        })}
      </ol>
    </details>
  )
}
