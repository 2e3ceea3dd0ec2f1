import { useEffect, useState } from 'react'
import { answeringModel } from '../../../state/app.ts'
import { keepLoads, loadsOf } from '../../../state/loadChoices.ts'
import { formatBytes, formatCount } from '../../../maths/format.ts'
import { SelectField } from '../../components/SelectField.tsx'
import { useApp, useSession, useTranslate } from '../../context.ts'

/** Shortest context that is offered. */
const SHORTEST = 64

/** Powers of two up to what the model has, that itself, and what it is loaded with. */
export function contextChoices(most: number, now: number): number[] {
  const choices = new Set([most, now])
  for (let count = SHORTEST; count < most; count *= 2) choices.add(count)
  return [...choices].sort((a, b) => a - b)
}

/** How long texts may become: what that takes is said before it is chosen. */
export function ContextPart() {
  const t = useTranslate()
  const session = useSession()
  const info = useApp((state) => answeringModel(state.model))
  const modelId = useApp((state) => state.modelId)
  const loading = useApp((state) => state.model.kind === 'loading')
  const bytes = useBytesPerPosition()
  const [asked, setAsked] = useState<number | null>(null)
  if (info?.maxContext === undefined) return null
  const { context, maxContext } = info
  const chosen = asked ?? context
  const labelOf = (count: number): string => {
    const tokens = t('models.fact.contextValue', { count: formatCount(count) })
    return bytes === null ? tokens : t('context.choice', { tokens, bytes: formatBytes(count * bytes) })
  }
  const apply = async () => {
    if (modelId !== null) keepLoads(modelId, { ...loadsOf(modelId), contextLength: chosen })
    if (await session.reload({ contextLength: chosen })) setAsked(null)
  }
  return (
    <section
      className="models-part"
      aria-label={t('context.title')}
      data-testid="context"
      data-context={context}
    >
      <h2 className="eyebrow">{t('context.title')}</h2>
      <p className="note models-about">{t('context.about', { most: formatCount(maxContext) })}</p>
      <div className="models-actions">
        <SelectField
          label={t('context.label')}
          testId="context-length"
          value={chosen}
          options={contextChoices(maxContext, context).map((value) => ({ value, label: labelOf(value) }))}
          onChange={setAsked}
        />
        <button
          type="button"
          className="button"
          data-testid="context-apply"
          disabled={loading || chosen === context}
          onClick={() => void apply()}
        >
          {t('context.apply')}
        </button>
      </div>
    </section>
  )
}

/** Bytes of keys and values of one position; null until the engine has said so. */
function useBytesPerPosition(): number | null {
  const session = useSession()
  const info = useApp((state) => answeringModel(state.model))
  const [measured, setMeasured] = useState<{ of: unknown; bytes: number } | null>(null)
  useEffect(() => {
    const { model } = session
    if (info === null || info.remote || model === null) return
    let wanted = true
    model.cache().then(
      ({ bytesPerPageAndLayer, layers, pageSize }) =>
        wanted && setMeasured({ of: info, bytes: (bytesPerPageAndLayer * layers) / pageSize }),
      (error: unknown) => wanted && session.report(error),
    )
    return () => {
      wanted = false
    }
  }, [session, info])
  return measured?.of === info ? (measured?.bytes ?? null) : null
}
