import { OpenedTrace } from './OpenedTrace.tsx'
import { OpenPart } from './OpenPart.tsx'
import { SavePart } from './SavePart.tsx'
import { useSavedState } from './hooks.ts'

/** A run saved to a file, and a file looked into: the latter needs neither a GPU nor a model. */
export function TraceView() {
  const shown = useSavedState((state) => state.shown)
  if (shown !== null) return <OpenedTrace name={shown.name} trace={shown.trace} />
  return (
    <div className="trace trace-home" data-testid="trace-view">
      <SavePart />
      <OpenPart />
    </div>
  )
}
