import { answeringModel } from '../../../state/app.ts'
import type { CompareMode, ScalesChoice, ComparedSide } from './store.ts'
import { Icon } from '../../components/Icon.tsx'
import { PromptField } from '../../components/PromptField.tsx'
import { RunButtons } from '../../components/RunButtons.tsx'
import { Segmented } from '../../components/Segmented.tsx'
import { useApp, useTranslate } from '../../context.ts'
import { CompareStreams } from './CompareStreams.tsx'
import { useCompareState, useComparison } from './hooks.ts'
import { useAdaptersState } from '../adapters/hooks.ts'
import { CompareToggle } from '../adapters/ScalesChip.tsx'

/** The same prompt and seed under two sets of scales, in lock-step; or one text, scored under both. */
export function CompareView() {
  const merged = useAdaptersState((state) => state.merged !== null)
  return (
    <div className="compare stack">
      <CompareControls blocked={merged} />
      <CompareStreams />
    </div>
  )
}

function useWorking(): boolean {
  return useCompareState(({ phase }) => phase.kind === 'prefill' || phase.kind === 'running')
}

function CompareControls({ blocked }: { blocked: boolean }) {
  const comparison = useComparison()
  const t = useTranslate()
  const mode = useCompareState((state) => state.mode)
  return (
    <section className="prompt compare-setup">
      <div className="compare-line cluster">
        <Segmented<CompareMode>
          label={t('compare.mode')}
          value={mode}
          choices={[
            { value: 'write', label: t('compare.write') },
            { value: 'score', label: t('compare.score') },
          ]}
          onChange={(next) => comparison.state.setState({ mode: next })}
        />
        <ScalesSelect side="a" />
        <ScalesSelect side="b" />
        <CompareToggle />
      </div>
      {mode === 'write' ? <Prompt /> : <p className="note compare-hint">{t('compare.scoreHint')}</p>}
      {blocked && <p className="compare-blocked">{t('compare.merged')}</p>}
      <Actions blocked={blocked} />
    </section>
  )
}

function Prompt() {
  const chat = useCompareState((state) => state.chat)
  return chat === null ? <PromptField /> : <Chat tokens={chat.ids.length} />
}

function Chat({ tokens }: { tokens: number }) {
  const comparison = useComparison()
  const t = useTranslate()
  return (
    <p className="note compare-hint" data-testid="compare-chat">
      {t('compare.chat', { count: tokens })}{' '}
      <button
        type="button"
        className="button button-small"
        onClick={() => comparison.state.setState({ chat: null })}
      >
        {t('compare.toPrompt')}
      </button>
    </p>
  )
}

function ScalesSelect({ side }: { side: ComparedSide }) {
  const comparison = useComparison()
  const t = useTranslate()
  const choice = useCompareState((state) => state[side])
  const tracks = useAdaptersState((state) => state.tracks)
  const isListed =
    choice === 'base' || choice === 'scales' || tracks.some(({ id }) => choice === `only:${id}`)
  const letter = side.toUpperCase()
  return (
    <label className="compare-side">
      <span className="side-letter">{letter}</span>
      <span className="visually-hidden">{t('compare.side', { side: letter })}</span>
      <select
        className="select"
        data-testid={`compare-scales-${side}`}
        value={isListed ? choice : 'scales'}
        onChange={(event) => comparison.state.setState({ [side]: event.currentTarget.value as ScalesChoice })}
      >
        <option value="base">{t('compare.base')}</option>
        <option value="scales">{t('compare.scales')}</option>
        {tracks.map(({ id, name }) => (
          <option key={id} value={`only:${id}`}>
            {t('compare.only', { name })}
          </option>
        ))}
      </select>
    </label>
  )
}

function Actions({ blocked }: { blocked: boolean }) {
  const comparison = useComparison()
  const t = useTranslate()
  const mode = useCompareState((state) => state.mode)
  const ready = useApp((state) => answeringModel(state.model) !== null)
  const working = useWorking()
  const shown = useCompareState((state) => state.version > 0 && state.shown !== null)
  return (
    <div className="actions">
      <RunButtons
        label={t(mode === 'write' ? 'compare.start' : 'compare.startScore')}
        ready={ready && !blocked}
        running={working}
        onRun={() => void comparison.start()}
        onStop={() => comparison.stop()}
      />
      <button
        type="button"
        className="button"
        data-testid="next-divergence"
        title={t('compare.nextHint')}
        disabled={!shown}
        onClick={() => comparison.nextDivergence()}
      >
        <Icon name="forward" />
        {t('compare.next')}
      </button>
      <span className="note keys">{t('compare.keys')}</span>
    </div>
  )
}
