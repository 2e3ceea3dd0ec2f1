import { afterEach } from 'vitest'
import { takeUncapturedErrors } from './gpu/device.ts'

afterEach(async () => {
  const errors = await takeUncapturedErrors()
  if (errors.length > 0) throw new Error(`GPU errors that no scope caught:\n${errors.join('\n')}`)
})
