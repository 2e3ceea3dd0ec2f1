import { invariant } from './errors.ts'
import { mountPage } from './ui/shell/mount.tsx'
import { createClient } from './worker/client.ts'

const root = document.getElementById('root')
invariant(root !== null, 'index.html has no #root')
// A browser may know the property and yet offer nothing behind it.
const hasWebGpu = Boolean((navigator as Partial<Navigator>).gpu)
mountPage({ client: createClient(), root, noWebGpu: hasWebGpu ? null : 'navigator.gpu is missing.' })
