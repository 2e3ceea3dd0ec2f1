import type { NewAdapterOptions, TrainOptions } from '../../../../api/model.ts'
import { TokenscopeError } from '../../../../errors.ts'

/** A data set that comes with the page, made for the bundled model. */
export interface BuiltInSet {
  name: string
  file: string
  heldOut: number | undefined
  settings: TrainOptions
  adapter: Partial<NewAdapterOptions>
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The list of sets as `training/index.json` has it. @throws `bad-file` naming the entry. */
export function parseSets(list: unknown): BuiltInSet[] {
  if (!Array.isArray(list))
    throw new TokenscopeError('bad-file', 'training/index.json is no list of data sets.', {
      hint: 'Build the page again.',
      details: { file: 'training/index.json', expected: 'a list' },
    })
  return list.map((entry: unknown, at) => {
    const { name, file, heldOut, settings, adapter } = isObject(entry) ? entry : {}
    if (typeof name !== 'string' || typeof file !== 'string')
      throw new TokenscopeError('bad-file', `training/index.json: entry ${at} has no name or no file.`, {
        hint: 'Every data set needs a "name" and a "file" beside the list.',
        details: { file: 'training/index.json', entry: at },
      })
    return {
      name,
      file,
      heldOut: typeof heldOut === 'number' ? heldOut : undefined,
      settings: isObject(settings) ? settings : {},
      adapter: isObject(adapter) ? adapter : {},
    }
  })
}

/** Reads a file of the page's own folder of data sets. @throws `network` */
export async function fetchTraining(file: string): Promise<string> {
  const url = new URL(`training/${file}`, document.baseURI)
  const fail = (why: string, cause?: unknown) =>
    new TokenscopeError('network', `${url.pathname} could not be fetched: ${why}.`, {
      hint: 'Try again, or paste data of your own.',
      details: { url: url.href },
      cause,
    })
  const response = await fetch(url).catch((cause: unknown) => {
    throw fail('there is no connection to the page’s host', cause)
  })
  if (!response.ok) throw fail(`the host answered ${response.status}`)
  return response.text()
}
