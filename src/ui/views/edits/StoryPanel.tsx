import type { ComparedToken } from '../../../api/model.ts'
import { Icon } from '../../components/Icon.tsx'
import { TokenText } from '../../components/TokenText.tsx'
import { useApp, useTranslate } from '../../context.ts'
import { LEVELS } from '../../draw/palette.ts'
import { formatNats } from '../../components/numbers.ts'
import { EditChip } from './EditChip.tsx'
import { useEditsState, useInfo, useStory, useStoryState } from './hooks.ts'
import { KlLegend } from './KlLegend.tsx'

/** KL at which the colours end, nats. */
const KL_END = 2

/** The page's prompt written on twice, in lock-step. */
export function StoryPanel() {
  const story = useStory()
  const t = useTranslate()
  const ready = useInfo() !== null
  const prompt = useApp((state) => state.prompt)
  const phase = useStoryState((state) => state.phase)
  const shown = useStoryState((state) => state.shown)
  const some = useEditsState(({ entries }) => entries.some(({ on }) => on))
  useStoryState((state) => state.version)
  const working = phase.kind === 'prefill' || phase.kind === 'running'
  return (
    <section className="edit-result" aria-label={t('edits.story')}>
      <header className="edit-result-head">
        <h2 className="eyebrow">{t('edits.story')}</h2>
        {shown !== null && <EditChip entries={shown.entries} />}
      </header>
      <div className="edit-line cluster">
        {working ? (
          <button type="button" className="button" data-testid="edit-story-stop" onClick={() => story.stop()}>
            <Icon name="stop" />
            {t('action.stop')}
          </button>
        ) : (
          <button
            type="button"
            className="button"
            data-testid="edit-story"
            disabled={!ready || !some || prompt.trim() === ''}
            onClick={() => void story.start()}
          >
            <Icon name="play" />
            {t('edits.write')}
          </button>
        )}
        <span className="note numeric" role="status">
          {phase.kind === 'prefill'
            ? t('output.reading', { done: phase.done, total: phase.total })
            : shown === null
              ? t('edits.storyAbout')
              : parting(t, story.tokens)}
        </span>
        {shown !== null && <KlLegend label={t('edits.klScale')} end={`${KL_END} nat`} />}
      </div>
      {shown !== null && (
        <div className="edit-streams">
          <Stream side="a" state={phase.kind} tokens={story.tokens} prompt={shown.prompt} />
          <Stream side="b" state={phase.kind} tokens={story.tokens} prompt={shown.prompt} />
        </div>
      )}
    </section>
  )
}

function parting(t: ReturnType<typeof useTranslate>, tokens: readonly ComparedToken[]): string {
  const first = firstDifference(tokens)
  if (tokens.length === 0) return ''
  return first < 0 ? t('edits.storySame') : t('edits.storyParts', { token: first + 1 })
}

function firstDifference(tokens: readonly ComparedToken[]): number {
  return tokens.findIndex(({ a, b }) => a?.id !== b?.id)
}

interface StreamProps {
  side: 'a' | 'b'
  state: string
  tokens: readonly ComparedToken[]
  prompt: string
}

function Stream({ side, state, tokens, prompt }: StreamProps) {
  const t = useTranslate()
  const first = firstDifference(tokens)
  const name = t(side === 'a' ? 'edits.base' : 'edits.edited')
  return (
    <section className="edit-stream" aria-label={name}>
      <h3 className="note">{name}</h3>
      <p className="edit-written" data-testid={`edit-output-${side}`} data-state={state}>
        <span className="edit-lead">{prompt}</span>
        {tokens.map(({ [side]: token, kl }, index) => {
          if (token === null) return null
          const level = kl === null ? 0 : Math.min(LEVELS - 1, Math.floor((kl / KL_END) * LEVELS))
          return (
            <span
              key={index}
              className={index === first ? 'edit-chip edit-parting' : 'edit-chip'}
              data-token-id={token.id}
              title={kl === null ? undefined : `KL ${formatNats(kl)}`}
              style={side === 'b' && kl !== null ? { '--level': `var(--seq-${level})` } : undefined}
            >
              <TokenText text={token.text} />
            </span>
          )
        })}
      </p>
    </section>
  )
}
