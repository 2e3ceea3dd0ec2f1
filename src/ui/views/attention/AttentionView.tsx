import { MaskSwitch } from '../../components/MaskSwitch.tsx'
import { Segmented } from '../../components/Segmented.tsx'
import { useTranslate } from '../../context.ts'
import { CachePanel } from './cache/CachePanel.tsx'
import { StaleNotice, EmptyState } from '../../components/EmptyState.tsx'
import { useShown, useTextRow, useWatchedMeasurement } from '../../components/reading.ts'
import { useAttention, useAttentionState } from './hooks.ts'
import { HeadGrid } from './HeadGrid.tsx'
import { HeadMatrix } from './HeadMatrix.tsx'
import { QueryBar, QueryTools } from './QueryBar.tsx'

/** Where every head looks, and the keys and values it looks at. */
export function AttentionView() {
  const tab = useAttentionState((state) => state.tab)
  return (
    <div className="attention view" data-testid="attention-view">
      <div className="query-tools">
        <Tabs />
        {tab === 'heads' && <QueryTools />}
        {tab === 'heads' && <MaskSwitch />}
      </div>
      {tab === 'heads' ? <Heads /> : <CachePanel />}
    </div>
  )
}

/** All heads as thumbnails, some as a matrix and over the text. */
function Heads() {
  const { measurement } = useAttention()
  useWatchedMeasurement(measurement)
  const shown = useShown(measurement)
  const row = useTextRow(shown?.ids.length ?? 0)
  if (shown === null) return <EmptyState measurement={measurement} />
  return (
    <>
      <StaleNotice measurement={measurement} />
      <QueryBar ids={shown.ids} row={row} />
      <div className="attention-body">
        <HeadGrid map={shown.value} />
        <HeadMatrix ids={shown.ids} row={row} />
      </div>
    </>
  )
}

function Tabs() {
  const t = useTranslate()
  const { state } = useAttention()
  const tab = useAttentionState((state) => state.tab)
  return (
    <Segmented
      label={t('attention.tabs')}
      value={tab}
      choices={[
        { value: 'heads', label: t('attention.tabHeads') },
        { value: 'cache', label: t('attention.tabCache') },
      ]}
      onChange={(next) => state.setState({ tab: next })}
    />
  )
}
