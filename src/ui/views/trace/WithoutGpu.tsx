import type { ReactNode } from 'react'
import { useTranslate } from '../../context.ts'
import { TraceView } from './TraceView.tsx'
import { useSavedState } from './hooks.ts'
import { OpenPart } from './OpenPart.tsx'

interface WithoutGpuProps {
  /** Says what is missing. */
  lead: ReactNode
  /** Says where it is to be had. */
  children: ReactNode
}

/** What a page without WebGPU can do: look into a saved run. */
export function WithoutGpu({ lead, children }: WithoutGpuProps) {
  const t = useTranslate()
  const open = useSavedState((state) => state.shown !== null)
  if (open) {
    return (
      <main className="trace-alone view" data-testid="no-webgpu">
        <p className="note trace-alone-note">{t('trace.noGpu')}</p>
        <TraceView />
      </main>
    )
  }
  return (
    <main className="nogpu" data-testid="no-webgpu">
      {lead}
      <section className="trace-offer">
        <h3 className="trace-offer-title">{t('trace.noGpuTitle')}</h3>
        <p>{t('trace.noGpuBody')}</p>
        <OpenPart />
      </section>
      {children}
    </main>
  )
}
