import { ErrorNotice } from '../../../components/ErrorNotice.tsx'
import { ReadingBar } from '../../../components/ReadingBar.tsx'
import { linesByLayer, linesBySize } from '../../../../analysis/attributionLines.ts'
import type { Attribution } from '../../../../api/model.ts'
import { Segmented } from '../../../components/Segmented.tsx'
import { useTranslate } from '../../../context.ts'
import { formatFixed, formatPower } from '../../../../maths/format.ts'
import { useIsEncoder, useShown, useTexts } from '../../../components/reading.ts'
import { useLens } from '../hooks.ts'
import { tokenName } from '../../../components/labels.ts'
import { useAttribution, useAttributionState, useWantedLogit } from './hooks.ts'
import { PartTable } from './PartTable.tsx'
import { TableExport } from '../../../components/TableExport.tsx'
import { TokenSelect } from './TokenSelect.tsx'

/** Parts further from the logit than this do not add up to it. */
const ADDS_UP = 1e-3

/** One logit as a sum over everything that wrote into the residual stream. */
export function AttributionPanel() {
  const t = useTranslate()
  const attribution = useAttribution()
  const wanted = useWantedLogit()
  const shown = useAttributionState((state) => state.shown)
  const order = useAttributionState((state) => state.order)
  const fresh = wanted !== null && shown !== null && shown.of.ids === wanted.ids
  if (wanted === null) return <p className="note">{t('lens.empty')}</p>
  return (
    <div className="attribution" data-testid="attribution" data-ready={isOf(shown?.value, wanted)}>
      <Place position={wanted.position} ids={wanted.ids} />
      <TokenSelect token={wanted.token} contextIds={wanted.ids} position={wanted.position} />
      <Segmented
        label={t('attribution.order')}
        labelled
        value={order}
        choices={[
          { value: 'layers', label: t('attribution.byLayer') },
          { value: 'size', label: t('attribution.bySize') },
        ]}
        onChange={(next) => attribution.state.setState({ order: next })}
      />
      <Progress onAgain={() => attribution.request(wanted)} />
      {fresh && (
        <>
          <PartTable
            lines={order === 'layers' ? linesByLayer(shown.value.parts) : linesBySize(shown.value.parts)}
            of={shown.of}
          />
          <Sum value={shown.value} />
          <TableExport
            name="attribution"
            columns={['kind', 'layer', 'head', 'contribution']}
            rows={() =>
              shown.value.parts.map(({ kind, layer, head, contribution }) => [
                kind,
                layer,
                head,
                contribution,
              ])
            }
          />
        </>
      )}
      <p className="note">{t('attribution.about')}</p>
    </div>
  )
}

const isOf = (value: Attribution | undefined, wanted: { position: number; token: number }): boolean =>
  value?.position === wanted.position && value.token === wanted.token

function Place({ position, ids }: { position: number; ids: readonly number[] }) {
  const t = useTranslate()
  const isEncoder = useIsEncoder()
  const texts = useTexts(useShown(useLens().measurement)?.ids.length ?? 0)
  const token = tokenName(t, texts[position] ?? '', ids[position] ?? 0)
  return <p className="note">{t(isEncoder ? 'steps.predictsOwn' : 'lens.predicts', { position, token })}</p>
}

function Progress({ onAgain }: { onAgain: () => void }) {
  const t = useTranslate()
  const phase = useAttributionState((state) => state.phase)
  if (phase.kind === 'failed') {
    return (
      <ErrorNotice title={t('attribution.failed')} error={phase.error}>
        <button type="button" className="button button-small" onClick={onAgain}>
          {t('attribution.again')}
        </button>
      </ErrorNotice>
    )
  }
  return phase.kind === 'reading' && <ReadingBar words={t('attribution.reading')} />
}

/** Whether the parts are the logit: both numbers, and the difference as measured. */
function Sum({ value: { sum, logit, parts } }: { value: Attribution }) {
  const t = useTranslate()
  const difference = Math.abs(sum - logit)
  const shownDifference =
    difference === 0 ? '0' : difference < 1e-3 ? formatPower(difference) : formatFixed(difference, 4)
  return (
    <>
      <dl className="lens-facts">
        <dt>{t('attribution.sum', { count: parts.length })}</dt>
        <dd className="numeric" data-testid="attribution-sum" data-value={sum}>
          {formatFixed(sum, 4)}
        </dd>
        <dt>{t('attribution.logit')}</dt>
        <dd className="numeric" data-testid="attribution-logit" data-value={logit}>
          {formatFixed(logit, 4)}
        </dd>
        <dt>{t('attribution.difference')}</dt>
        <dd className="numeric" data-testid="attribution-difference" data-value={difference}>
          {shownDifference}
        </dd>
      </dl>
      <p className={difference <= ADDS_UP ? 'note' : 'steps-note'}>
        {t(difference <= ADDS_UP ? 'attribution.addsUp' : 'attribution.addsNot', {
          difference: shownDifference,
        })}
      </p>
    </>
  )
}
