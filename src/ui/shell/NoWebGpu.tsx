import { lazy, Suspense, type ReactNode } from 'react'
import { useApp, useErrorText, useTranslate } from '../context.ts'
import { loadViewMessages, type MessageKey } from '../words/index.ts'
import { DropOverlay } from './DropOverlay.tsx'

/** Looking into saved runs: fetched only where nothing else can be done. */
const WithoutGpu = lazy(async () => {
  const [module] = await Promise.all([import('../views/trace/WithoutGpu.tsx'), loadViewMessages()])
  return { default: module.WithoutGpu }
})

interface Way {
  browser: string
  /** What to switch on; literal or from the catalogue. */
  needs: MessageKey
}

type Platform = 'windows' | 'mac' | 'linux' | 'android' | 'ios'

/** Who offers WebGPU, and what may stand in the way. */
const WAYS: Readonly<Record<Platform, readonly Way[]>> = {
  windows: [
    { browser: 'Chrome, Edge 113+', needs: 'nogpu.settingsHardware' },
    { browser: 'Firefox 141+', needs: 'nogpu.nothing' },
  ],
  mac: [
    { browser: 'Chrome, Edge 113+', needs: 'nogpu.settingsHardware' },
    { browser: 'Safari 26+', needs: 'nogpu.flagSafariMac' },
    { browser: 'Firefox 145+ (Apple silicon)', needs: 'nogpu.nothing' },
  ],
  linux: [
    { browser: 'Chrome, Chromium 113+', needs: 'nogpu.flagLinux' },
    { browser: 'Firefox Nightly', needs: 'nogpu.flagFirefox' },
  ],
  android: [{ browser: 'Chrome 121+ (Android 12+)', needs: 'nogpu.nothing' }],
  ios: [{ browser: 'Safari 26+', needs: 'nogpu.flagSafari' }],
}

const PLATFORMS = ['windows', 'mac', 'linux', 'android', 'ios'] as const

function platformOf(userAgent: string): Platform {
  if (/Android/.test(userAgent)) return 'android'
  if (/iPhone|iPad|iPod/.test(userAgent)) return 'ios'
  if (/Mac/.test(userAgent)) return 'mac'
  return /Windows/.test(userAgent) ? 'windows' : 'linux'
}

/** Shown in place of the work when the browser has no WebGPU: who has it, what to switch on, and saved runs to look into. */
export function NoWebGpu() {
  const error = useApp((state) => state.error)
  const errorText = useErrorText()
  const lead = <Missing reason={error === null ? '' : errorText(error).message} />
  return (
    <>
      <Suspense fallback={<PlainPage lead={lead} />}>
        <WithoutGpu lead={lead}>
          <Ways />
        </WithoutGpu>
      </Suspense>
      <DropOverlay tracesOnly />
    </>
  )
}

/** While the rest is on its way. */
function PlainPage({ lead }: { lead: ReactNode }) {
  return (
    <main className="nogpu" data-testid="no-webgpu">
      {lead}
      <Ways />
    </main>
  )
}

function Missing({ reason }: { reason: string }) {
  const t = useTranslate()
  return (
    <div role="alert" data-testid="error" data-code="no-webgpu">
      <h2>{t('nogpu.title')}</h2>
      <p>{t('nogpu.body')}</p>
      {!isSecureContext && <p>{t('nogpu.insecure')}</p>}
      {reason !== '' && <p className="note">{reason}</p>}
    </div>
  )
}

function Ways() {
  const t = useTranslate()
  const here = platformOf(navigator.userAgent)
  const elsewhere = PLATFORMS.filter((platform) => platform !== here)
  return (
    <>
      <WayTable caption={`${t('nogpu.here')}: ${t(`nogpu.${here}`)}`} platforms={[here]} />
      <button type="button" className="button button-primary" onClick={() => location.reload()}>
        {t('nogpu.again')}
      </button>
      <WayTable caption={t('nogpu.elsewhere')} platforms={elsewhere} />
    </>
  )
}

function WayTable({ caption, platforms }: { caption: string; platforms: readonly Platform[] }) {
  const t = useTranslate()
  const several = platforms.length > 1
  return (
    <table className="ways">
      <caption>{caption}</caption>
      <thead>
        <tr>
          <th scope="col">{t('nogpu.browser')}</th>
          <th scope="col">{t('nogpu.switch')}</th>
        </tr>
      </thead>
      <tbody>
        {platforms.flatMap((platform) =>
          WAYS[platform].map(({ browser, needs }) => (
            <tr key={`${platform} ${browser}`}>
              <th scope="row">
                {several && <span className="note">{t(`nogpu.${platform}`)} </span>}
                {browser}
              </th>
              <td>{t(needs)}</td>
            </tr>
          )),
        )}
      </tbody>
    </table>
  )
}
