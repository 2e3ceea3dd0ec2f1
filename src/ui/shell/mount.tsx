import { createRoot } from 'react-dom/client'
import { automationFace, startPage } from '../../state/start.ts'
import type { Model } from '../../api/model.ts'
import type { EngineClient } from '../../worker/api.ts'
import { App } from './App.tsx'
import { loadLanguage, preferredLanguage } from '../words/index.ts'

declare global {
  interface Window {
    /** Resolves once the page's first model has loaded or failed to. */
    tokenscope: Promise<{
      loadModel: EngineClient['loadModel']
      readonly model: Model | null
      simulateDeviceLoss(): Promise<void>
    }>
  }
}

export interface MountOptions {
  client: EngineClient
  root: HTMLElement
  noWebGpu: string | null
}

/** Starts the page on a client and shows it. */
export function mountPage({ client, root, noWebGpu }: MountOptions): void {
  const started = startPage({
    client,
    catalogueUrl: new URL('models.json', document.baseURI).href,
    language: preferredLanguage(navigator.languages),
    noWebGpu,
    autoStart: !matchMedia('(prefers-reduced-motion: reduce)').matches,
    loadLinks: () => import('./viewLinks.ts'),
  })
  window.tokenscope = automationFace(started, client)
  const { session } = started
  const show = (): void => createRoot(root).render(<App session={session} />)
  loadLanguage(session.app.getState().language).then(show, (error: unknown) => {
    session.app.setState({ language: 'en' })
    session.report(error)
    show()
  })
}
