import { scalesText } from '../../../state/adapterScales.ts'
import type { SavedEdit, SavedTrace } from '../../../trace/types.ts'
import { Icon } from '../../components/Icon.tsx'
import { useTranslate } from '../../context.ts'
import { formatBytes, formatCount } from '../../../maths/format.ts'
import { formatValue } from '../steps/numbers.ts'
import { useSavedTraces } from './hooks.ts'
import { OpenButton, OpenState } from './OpenPart.tsx'
import { TraceFacts } from './TraceFacts.tsx'
import { TracePrediction } from './TracePrediction.tsx'
import { TraceSteps } from './TraceSteps.tsx'
import { TraceTensor } from './TraceTensor.tsx'
import { TraceTokens } from './TraceTokens.tsx'

interface OpenedProps {
  name: string
  trace: SavedTrace
}

/** A trace file: its text over all, its steps to the left, a tensor in the middle, what was predicted to the right. */
export function OpenedTrace({ name, trace }: OpenedProps) {
  const t = useTranslate()
  return (
    <div className="trace trace-open" data-testid="trace-view" data-file={name}>
      <TraceHead name={name} trace={trace} />
      <OpenState />
      <TraceTokens trace={trace} />
      <div className="trace-body">
        <TraceSteps trace={trace} />
        <TraceTensor trace={trace} />
        <aside className="trace-side" aria-label={t('trace.about')}>
          <TracePrediction trace={trace} />
          <TraceFacts trace={trace} />
        </aside>
      </div>
    </div>
  )
}

/** An edit as one word: `scale layers.2.attn.context head 3 factor 0`. */
export function editText({ kind, step, values }: SavedEdit): string {
  const numbers = Object.entries(values).map(([name, value]) => `${name} ${formatValue(value)}`)
  return [kind, step, ...numbers].join(' ')
}

/** Which file this is, of which model, under which adapters and edits. */
function TraceHead({ name, trace }: OpenedProps) {
  const t = useTranslate()
  const traces = useSavedTraces()
  const { adapters, edits, model, ids, bytes } = trace
  return (
    <header className="trace-head cluster">
      <h2 className="step-name">{name}</h2>
      <p className="note numeric trace-head-facts">
        {model.id} · {t('trace.tokens', { count: formatCount(ids.length) })} · {formatBytes(bytes)}
      </p>
      <span className="scales-chip" data-testid="trace-adapters" title={t('trace.adapters')}>
        {scalesText(adapters, t('trace.base'))}
      </span>
      {edits.map((edit, index) => (
        <span key={index} className="scales-chip" title={t('trace.edits')}>
          {editText(edit)}
        </span>
      ))}
      <span className="trace-actions trace-head-end">
        <OpenButton />
        <button
          type="button"
          className="button button-icon"
          data-testid="trace-close"
          aria-label={t('trace.close')}
          title={t('trace.close')}
          onClick={() => traces.close()}
        >
          <Icon name="close" />
        </button>
      </span>
    </header>
  )
}
