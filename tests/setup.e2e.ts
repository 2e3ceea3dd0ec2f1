import { afterAll, afterEach } from 'vitest'
import { checkPages, closeBrowser } from './e2e/harness.ts'

afterEach(async ({ task }) => {
  await checkPages(task.name, task.result?.state === 'fail')
})

afterAll(closeBrowser)
