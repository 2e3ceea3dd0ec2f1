import { Fresh, NothingRead } from './reading/NothingRead.tsx'
import { useShown, useTextRow, useWatchedReading } from './reading/hooks.ts'
import { useAttention } from './attention/hooks.ts'
import { HeadGrid } from './attention/HeadGrid.tsx'
import { HeadMatrix } from './attention/HeadMatrix.tsx'
import { QueryStrip } from './attention/QueryStrip.tsx'

/** Where every head looks: all of them as thumbnails, one as a matrix and over the text. */
export function AttentionView() {
  const { reading } = useAttention()
  useWatchedReading(reading)
  const shown = useShown(reading)
  const row = useTextRow(shown?.ids.length ?? 0)
  if (shown === null) {
    return (
      <div className="attention" data-testid="attention-view">
        <NothingRead reading={reading} />
      </div>
    )
  }
  return (
    <div className="attention" data-testid="attention-view">
      <Fresh reading={reading} />
      <QueryStrip ids={shown.ids} row={row} />
      <div className="attention-body">
        <HeadGrid map={shown.value} />
        <HeadMatrix ids={shown.ids} row={row} />
      </div>
    </div>
  )
}
