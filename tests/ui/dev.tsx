import { invariant } from '../../src/errors.ts'
import { mountPage } from '../../src/ui/shell/mount.tsx'
import { createFakeClient } from './fakeClient.ts'

declare global {
  interface Window {
    fakeClient: ReturnType<typeof createFakeClient>
  }
}

const root = document.getElementById('root')
invariant(root !== null, 'dev.html has no #root')
const query = new URLSearchParams(location.search)
const number = (name: string, otherwise: number) => Number(query.get(name) ?? otherwise)
window.fakeClient = createFakeClient({
  pace: number('pace', 25),
  loadTime: number('load', 400),
  cheap: query.has('cheap'),
})
mountPage({
  client: window.fakeClient,
  root,
  noWebGpu: query.has('nogpu') ? 'navigator.gpu is missing.' : null,
})
