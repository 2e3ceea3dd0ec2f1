import type { EngineClient } from '../worker/api.ts'
import type { AppStore } from './app.ts'

/** Milliseconds of work before the page says so; a short call is over before anyone could read that. */
const SHOWN_AFTER_MS = 400
/** Milliseconds of rest that end the work: the steps of a training, or the readings of a view, follow each other with less between them. */
const ENDED_AFTER_MS = 200

/** Keeps in the page's state whether a model computes, whoever asked for it: a run, a measurement, a comparison, a training. */
export function watchWork(client: EngineClient, app: AppStore): void {
  let show: ReturnType<typeof setTimeout> | undefined
  let end: ReturnType<typeof setTimeout> | undefined
  client.onWork?.((working) => {
    clearTimeout(end)
    if (working) {
      show ??= setTimeout(() => app.setState({ working: true }), SHOWN_AFTER_MS)
      return
    }
    end = setTimeout(() => {
      clearTimeout(show)
      show = undefined
      app.setState({ working: false })
    }, ENDED_AFTER_MS)
  })
}
