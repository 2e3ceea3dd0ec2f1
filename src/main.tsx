import { invariant } from './errors.ts'
import { mountPage } from './ui/mount.tsx'
import { createClient } from './worker/client.ts'

const root = document.getElementById('root')
invariant(root !== null, 'index.html has no #root')
mountPage({ client: createClient(), root, noWebGpu: 'gpu' in navigator ? null : 'navigator.gpu is missing.' })
