import type { Session } from './session.ts'

/** Files of a bundled model that loading looks for. */
const MODEL_FILES = [
  'config.json',
  'generation_config.json',
  'model.safetensors',
  'tokenizer.json',
  'tokenizer_config.json',
]

/** Has the browser keep the page, and the bundled model on it, for when there is no connection. */
export async function keepPage({ app }: Session): Promise<void> {
  if (!('serviceWorker' in navigator) || !import.meta.env.PROD) return
  let registration: ServiceWorkerRegistration
  try {
    await navigator.serviceWorker.register(new URL('sw.js', document.baseURI))
    registration = await navigator.serviceWorker.ready
  } catch (cause) {
    // A private window or a host without the file: the page works as before, with a connection.
    if (cause instanceof DOMException || cause instanceof TypeError) return
    throw cause
  }
  const sendAddresses = (): void => {
    const { model, modelId, catalogue } = app.getState()
    if (model.kind !== 'ready' || !catalogue.models.some(({ id }) => id === modelId)) return
    const folder = new URL(`models/${modelId}/`, document.baseURI)
    const addresses = MODEL_FILES.map((name) => new URL(name, folder).href)
    registration.active?.postMessage({ keep: addresses })
  }
  sendAddresses()
  app.subscribe((state, previous) => {
    if (state.model !== previous.model) sendAddresses()
  })
}
