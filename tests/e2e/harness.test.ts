import { expect, test } from 'vitest'
import { checkPages, openPage } from './harness.ts'

test('a request to another origin is caught', async () => {
  const { page } = await openPage()
  await page.evaluate(() => fetch('https://huggingface.invalid/leak').catch(() => 'refused'))
  await expect(checkPages('foreign', false)).rejects.toThrow('huggingface.invalid')
})

test('console errors and uncaught errors are caught, those expected are not', async () => {
  const { page, errors } = await openPage({ expectedErrors: [/on purpose/] })
  await page.evaluate(() => {
    console.error('on purpose')
    setTimeout(() => {
      throw new Error('by accident')
    })
  })
  await expect.poll(() => errors.length).toBe(2)
  await expect(checkPages('errors', false)).rejects.toThrow(/may do:\nuncaught: by accident$/)
})
