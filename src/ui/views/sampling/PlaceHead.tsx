import { isRunning } from '../../../state/app.ts'
import { visibleText } from '../../../state/characterGroups.ts'
import type { ExplorerPlace } from './store.ts'
import { Icon } from '../../components/Icon.tsx'
import { Segmented } from '../../components/Segmented.tsx'
import { useApp, useSession, useTranslate } from '../../context.ts'
import { ScalesChip } from '../adapters/ScalesChip.tsx'
import { useExplorer, useExplorerState, type Workings } from './hooks.ts'
import { useTokenName } from '../../components/useTokenName.ts'

/** Characters of the text shown before the token. */
const CONTEXT = 48

/** Which place of the text this is, and the way to its neighbours. */
export function PlaceHead({ place }: Workings) {
  const t = useTranslate()
  const explorer = useExplorer()
  const next = useExplorerState((state) => state.next)
  const isReading = useExplorerState((state) => state.phase.kind === 'reading')
  const running = useApp((state) => isRunning(state.run))
  return (
    <header className="sampler-head cluster">
      <Segmented
        label={t('sampler.which')}
        value={next ? 'next' : 'token'}
        choices={[
          { value: 'token', label: t('sampler.token') },
          { value: 'next', label: t('sampler.next') },
        ]}
        onChange={(value) => explorer.lookAhead(value === 'next')}
      />
      {!next && <Neighbours place={place} />}
      <PlaceName place={place} />
      <span className="sampler-tags">
        {place.recomputed && (
          <span className="tag" title={t('logits.recomputedHint')}>
            {t('logits.recomputed')}
          </span>
        )}
        {(isReading || running) && (
          <span className="note" role="status">
            {t(running ? 'reading.waiting' : 'logits.loading')}
          </span>
        )}
        <ScalesChip />
      </span>
    </header>
  )
}

function Neighbours({ place }: { place: ExplorerPlace }) {
  const t = useTranslate()
  const { app, log } = useSession()
  const go = (by: number) => app.setState({ pinned: place.index + by, hovered: null, hoveredPrompt: null })
  return (
    <span className="sampler-neighbours">
      <button
        type="button"
        className="button button-icon"
        aria-label={t('sampler.previous')}
        disabled={place.index <= 0}
        onClick={() => go(-1)}
      >
        <Icon name="left" />
      </button>
      <button
        type="button"
        className="button button-icon"
        aria-label={t('sampler.following')}
        disabled={place.index >= log.tokens.length - 1}
        onClick={() => go(1)}
      >
        <Icon name="right" />
      </button>
    </span>
  )
}

function PlaceName({ place }: { place: ExplorerPlace }) {
  const t = useTranslate()
  const nameToken = useTokenName()
  const { log } = useSession()
  const { token, index, contextIds } = place
  const text = [...log.promptTexts, ...log.tokens.slice(0, index).map((one) => one.text)].slice(-24).join('')
  const shown = text.length > CONTEXT ? `…${text.slice(-CONTEXT)}` : text
  return (
    <p className="sampler-place">
      {token !== null && (
        <strong
          className="token-name"
          data-testid="sampler-token"
          data-token-id={token.id}
          data-index={index}
        >
          {nameToken(token.text, token.id)}
        </strong>
      )}
      <span className="note numeric">
        {t('logits.position', { position: contextIds.length })} · {t('logits.after')}{' '}
      </span>
      <span className="sampler-context">{shown === '' ? t('logits.start') : visibleText(shown)}</span>
    </p>
  )
}
