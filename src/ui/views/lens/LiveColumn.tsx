import { useEffect } from 'react'
import { useStore } from 'zustand'
import { isRunning } from '../../../state/app.ts'
import { liveLensOf, slowdown, type LiveColumn as Column, type LiveLens } from './liveStore.ts'
import type { LensCell } from '../../../api/model.ts'
import { useApp, useSession, useTranslate } from '../../context.ts'
import { probabilityLevel } from '../../draw/palette.ts'
import { formatFixed, formatProbability, formatSpeed } from '../../../maths/format.ts'
import { useLayerName } from './hooks.ts'
import { useTokenName } from '../../components/useTokenName.ts'

export function useLiveLens(): LiveLens {
  return liveLensOf(useSession())
}

/** The column of the run under way; null between runs, and before its first column. */
export function useLiveColumn(): Column | null {
  const live = useLiveLens()
  useEffect(() => live.watch(), [live])
  const running = useApp((state) => isRunning(state.run))
  const column = useStore(live.state, (state) => state.column)
  return running ? column : null
}

/** What every layer predicts behind the newest token: beside the lines of the grid, while a text is being written. */
export function LiveColumn({ column, layers }: { column: Column; layers: readonly number[] }) {
  const t = useTranslate()
  const nameToken = useTokenName()
  const { position, text, id, cells, texts } = column
  const token = nameToken(text, id)
  return (
    <section
      className="lens-live"
      data-testid="live-lens"
      data-position={position}
      aria-label={t('lens.liveLabel', { position, token })}
    >
      <div className="lens-live-head stack">
        <span className="numeric">{t('lens.liveAt', { position })}</span>
        <span className="lens-word">{token}</span>
      </div>
      {layers.map((layer) => {
        const cell = cells.find((one) => one.layer === layer)
        return cell === undefined ? null : <LiveCell key={layer} cell={cell} texts={texts} />
      })}
      <div className="lens-live-head stack lens-live-foot">{t('lens.liveNext')}</div>
    </section>
  )
}

function LiveCell({ cell, texts }: { cell: LensCell; texts: Column['texts'] }) {
  const nameToken = useTokenName()
  const layer = useLayerName()(cell.layer)
  const [best, ...others] = cell.top
  if (best === undefined) return null
  const name = (id: number): string => nameToken(texts.get(id) ?? '', id)
  const title = `${layer}: ${cell.top.map(({ id, probability }) => `${name(id)} ${formatProbability(probability)}`).join(', ')}`
  return (
    <div
      className="lens-live-cell"
      data-testid="live-lens-cell"
      data-layer={cell.layer}
      data-position={cell.position}
      data-token-id={best.id}
      data-probability={best.probability}
      title={title}
      style={{ '--swatch': `var(--seq-${probabilityLevel(Math.log(best.probability))})` }}
    >
      <span className="lens-word">{name(best.id)}</span>
      <span className="lens-share numeric">{Math.round(best.probability * 100)}%</span>
      <span className="lens-live-others">{others.map(({ id }) => name(id)).join(' · ')}</span>
    </div>
  )
}

/** Switches following on and off, and says what it costs, as measured in this run. */
export function LiveSwitch() {
  const t = useTranslate()
  const live = useLiveLens()
  const { on, cost, beyond } = useStore(live.state)
  const lost = slowdown(cost)
  const speed = ({ tokens, ms }: { tokens: number; ms: number }): string => formatSpeed((tokens * 1000) / ms)
  return (
    <div className="lens-follow cluster">
      <label className="check" title={t('lens.liveHint')}>
        <input type="checkbox" data-testid="lens-follow" checked={on} onChange={() => live.follow(!on)} />
        {t('lens.live')}
      </label>
      {on && cost.columns > 0 && (
        <span className="note numeric" data-testid="lens-cost" data-slowdown={lost ?? undefined}>
          {t('lens.liveColumns', { count: cost.columns, ms: Math.round(cost.lastMs) })}{' '}
          {lost === null
            ? t('lens.liveUnmeasured')
            : t('lens.liveCost', {
                between: speed(cost.between),
                reading: speed(cost.whileReading),
                share: formatFixed(lost * 100, 1),
              })}
        </span>
      )}
      {on && beyond !== null && (
        <span className="note" role="status">
          {t('lens.liveBeyond', { tokens: beyond, ms: Math.round(cost.lastMs) })}
        </span>
      )}
    </div>
  )
}
