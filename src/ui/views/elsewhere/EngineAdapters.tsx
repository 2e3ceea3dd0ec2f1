import { useEffect, useState } from 'react'
import type { LoadedAdapterInfo, RemoteEngine } from '../../../api/model.ts'
import { SliderField } from '../../components/SliderField.tsx'
import { useSession, useTranslate } from '../../context.ts'
import { hostOf } from './hooks.ts'

/** Ends of the slider; any number may be typed where the engine takes a scale. */
const SCALE_END = 2

/** Adapters that the engine was started with, each at the scale that requests of this page ask for. */
export function EngineAdapters({ remote }: { remote: RemoteEngine }) {
  const session = useSession()
  const { model } = session
  const t = useTranslate()
  const [adapters, setAdapters] = useState<readonly LoadedAdapterInfo[]>([])
  const read = (): void => {
    model?.listAdapters().then(setAdapters, (error: unknown) => session.report(error))
  }
  useEffect(read, [model, session])
  const scales = remote.capabilities['adapter-scales'] === true
  const set = (id: string, scale: number): void => {
    if (model === null) return
    // One at a time where an adapter is a model of its own.
    const others =
      scales || scale === 0 ? [] : adapters.filter((other) => other.id !== id && other.scale !== 0)
    Promise.all([
      ...others.map((other) => model.setAdapterScale(other.id, 0)),
      model.setAdapterScale(id, scale),
    ])
      .then(read)
      .catch((error: unknown) => session.report(error))
  }
  return (
    <div className="far" data-testid="engine-adapters">
      <h2 className="eyebrow">{t('far.adaptersTitle', { host: hostOf(remote.url) })}</h2>
      <p className="note">{t(scales ? 'far.adaptersNote' : 'far.adaptersSwitch')}</p>
      <ul className="far-adapters">
        {adapters.map(({ id, name, scale }) => (
          <li key={id} data-testid="adapter-row" data-adapter-id={id}>
            {scales ? (
              <SliderField
                label={name}
                sliderLabel={t('far.scale', { name })}
                hint={t('far.adaptersNote')}
                testId="adapter-scale"
                value={scale}
                min={-SCALE_END}
                max={SCALE_END}
                step={0.05}
                digits={2}
                remark={null}
                onChange={(next) => set(id, next)}
              />
            ) : (
              <label className="check">
                <input
                  type="checkbox"
                  data-testid="adapter-enabled"
                  checked={scale !== 0}
                  onChange={(event) => set(id, event.currentTarget.checked ? 1 : 0)}
                />
                {name}
              </label>
            )}
          </li>
        ))}
      </ul>
    </div>
  )
}
