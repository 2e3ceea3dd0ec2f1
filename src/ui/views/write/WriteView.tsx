import { BlankSlate } from '../../components/BlankSlate.tsx'
import { useEffect, useRef } from 'react'
import { answeringModel, isRunning } from '../../../state/app.ts'
import { examplesOf } from '../../../state/catalogue.ts'
import { Legend } from '../../components/Legend.tsx'
import { PromptField } from '../../components/PromptField.tsx'
import { TextButtons } from '../../components/RunButtons.tsx'
import { Segmented } from '../../components/Segmented.tsx'
import { TokenStream } from '../../components/TokenStream.tsx'
import { useApp, useSettled, useSession, useSlowTokenLog, useTranslate } from '../../context.ts'
import { formatCount } from '../../../maths/format.ts'
import type { TokenLog } from '../../../state/tokenLog.ts'
import { later, soon } from '../later.tsx'
import { SamplingPanel } from './SamplingPanel.tsx'

const PromptCount = soon(async () => (await import('../../components/PromptCount.tsx')).PromptCount)
const ScalesChip = soon(async () => (await import('../adapters/ScalesChip.tsx')).ScalesChip)
const PastRuns = later(async () => (await import('./PastRuns.tsx')).PastRuns)
const TextTools = later(async () => (await import('./TextTools.tsx')).TextTools)

/** What shapes the next text, and below it what was written before. */
export function WriteSide() {
  const isSettled = useSettled()
  return (
    <>
      <SamplingPanel />
      {isSettled && <PastRuns />}
    </>
  )
}

/** Prompt above, the text it became below. */
export function WriteView() {
  return (
    <div className="write stack">
      <PromptEditor />
      <OutputToolbar />
      <Output />
      <OutputFoot />
    </div>
  )
}

function PromptEditor() {
  const t = useTranslate()
  const prompt = useApp((state) => state.prompt)
  const area = useRef<HTMLTextAreaElement>(null)
  useEffect(() => {
    const element = area.current
    if (element === null) return
    element.style.height = 'auto'
    element.style.height = `${Math.min(element.scrollHeight, 220)}px`
  }, [prompt])
  return (
    <section className="prompt">
      <div className="prompt-head">
        <label htmlFor="prompt" className="eyebrow">
          {t('prompt.label')}
        </label>
        <PromptCount />
      </div>
      <PromptField labelled ref={area} />
      <Examples />
      <Actions />
    </section>
  )
}

function Examples() {
  const session = useSession()
  const catalogue = useApp((state) => state.catalogue)
  const t = useTranslate()
  const modelId = useApp((state) => state.modelId)
  const prompt = useApp((state) => state.prompt)
  const ready = useApp((state) => answeringModel(state.model) !== null)
  return (
    <div className="examples" role="group" aria-label={t('prompt.examples')}>
      {examplesOf(catalogue, modelId).map((example) => (
        <button
          key={example}
          type="button"
          className="example"
          aria-pressed={example === prompt}
          onClick={() => {
            session.app.setState({ prompt: example })
            if (ready) void session.generate()
          }}
        >
          {example}
        </button>
      ))}
    </div>
  )
}

function Actions() {
  return (
    <div className="actions">
      <TextButtons />
      <KeysHint />
    </div>
  )
}

function KeysHint() {
  const t = useTranslate()
  const mac = /Mac|iPhone|iPad/.test(navigator.userAgent)
  return (
    <span className="note keys">
      {t('keys.hint', { generate: t(mac ? 'keys.generateMac' : 'keys.generate') })}
    </span>
  )
}

function OutputToolbar() {
  const { app } = useSession()
  const t = useTranslate()
  const colouring = useApp((state) => state.colouring)
  const values = useApp((state) => state.values)
  const isSettled = useSettled()
  return (
    <div className="output-tools cluster">
      <Segmented
        label={t('colour.label')}
        labelled
        value={colouring}
        choices={(['probability', 'surprisal', 'off'] as const).map((value) => ({
          value,
          label: t(`colour.${value}`),
        }))}
        onChange={(next) => app.setState({ colouring: next })}
      />
      <label className="check">
        <input
          type="checkbox"
          checked={values}
          onChange={(event) => app.setState({ values: event.currentTarget.checked })}
        />
        {t('colour.values')}
      </label>
      <Legend colouring={colouring} />
      {isSettled && <TextTools />}
    </div>
  )
}

function Output() {
  const t = useTranslate()
  const model = useApp((state) => state.model)
  const running = useApp((state) => isRunning(state.run))
  const log = useSlowTokenLog(100)
  const empty = log.tokens.length === 0 && log.promptIds.length === 0 && !running
  return (
    <section className="output-region stack" aria-label={t('output.region')}>
      {empty && (
        <BlankSlate title={t(model.kind === 'loading' ? 'output.waiting' : 'output.empty')}>
          <p>
            {t(model.kind === 'empty' || model.kind === 'failed' ? 'output.noModel' : 'output.emptyHint')}
          </p>
        </BlankSlate>
      )}
      <TokenStream />
    </section>
  )
}

/** Letters alone: tokenizers may write blanks, cases and forms otherwise. Special tokens that are written out have no text. */
const letters = (text: string): string =>
  text
    .normalize('NFKC')
    .replace(/<[^<>\s]+>|\s/g, '')
    .toLowerCase()

/** True once the prompt in the field is no longer the one that the text goes on from. */
function isOtherPrompt({ promptIds, promptTexts }: TokenLog, prompt: string): boolean {
  const isSpelled = promptTexts.some((text) => text !== '') && promptTexts.length === promptIds.length
  return isSpelled && letters(promptTexts.join('')) !== letters(prompt)
}

function OutputFoot() {
  const t = useTranslate()
  const run = useApp((state) => state.run)
  const lost = useApp((state) => state.model.kind === 'lost')
  const context = useApp((state) => answeringModel(state.model)?.context ?? 0)
  const log = useSlowTokenLog(150)
  const count = log.tokens.length
  const full = count > 0 && log.promptIds.length + count >= context
  const finish = () => {
    switch (run.kind) {
      case 'idle':
        return full && context > 0 ? t('output.finish.context-full', { context: formatCount(context) }) : null
      case 'decoding':
        return null
      case 'prefill':
        return run.total > 0 ? t('output.reading', { done: run.done, total: run.total }) : null
      case 'done':
        return run.reason === 'length' && log.settings !== null
          ? t('output.finish.lengthOf', { length: formatCount(log.settings.maxTokens) })
          : t(`output.finish.${run.reason}`, { context: formatCount(context) })
      case 'stopped':
        return t(lost ? 'output.finish.lost' : 'output.finish.stopped')
      case 'failed':
        return t('output.finish.failed')
    }
  }
  const remark = finish()
  const prompt = useApp((state) => state.prompt)
  const isOther = count > 0 && !isRunning(run) && isOtherPrompt(log, prompt)
  const again = log.tokens.find(({ readAgain }) => readAgain === true)
  return (
    <div className="output-foot note">
      {count > 0 && <span className="numeric">{t('output.count', { count: formatCount(count) })}</span>}
      {remark !== null && <span>{remark}</span>}
      {isOther && <span data-testid="other-prompt">{t('output.otherPrompt')}</span>}
      {again && <span>{t('output.readAgain', { index: formatCount(again.index) })}</span>}
      <ScalesChip />
    </div>
  )
}
