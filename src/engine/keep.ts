import type { LoadOptions } from '../api/load.ts'
import { describeModel } from '../arch/index.ts'
import { TokenscopeError } from '../errors.ts'
import { GGUF_ARCHITECTURES } from '../formats/gguf/architectures.ts'
import { findGguf } from '../formats/gguf/find.ts'
import { readGgufStart } from '../formats/gguf/start.ts'
import type { FileSource } from '../formats/tensors.ts'
import { checkLimits } from '../run/limits.ts'
import type { HubSource } from '../sources/hub.ts'
import { keepModel } from '../sources/kept/keep.ts'
import { openModelFiles } from './companions.ts'
import { COMPANIONS } from './modelFiles.ts'
import { ggufFiles, neededFiles, weightFiles } from './neededFiles.ts'

const NOT_KEPT =
  'The browser denies this page a place for files: the model is fetched anew whenever it is loaded.'

/** Files of the weights, once the headers say that they can be run: nothing large is fetched for a refusal. */
async function weightsOf(source: FileSource, file: string | null, signal?: AbortSignal): Promise<string[]> {
  if (file !== null) {
    const { fields } = await readGgufStart(source, file, signal)
    const name = fields.text('general.architecture')
    if (GGUF_ARCHITECTURES.some((architecture) => architecture.name === name)) return ggufFiles(file)
    throw new TokenscopeError(
      'unsupported',
      `${file}: general.architecture is "${name}", which is not built here.`,
      {
        hint: 'This kind of model cannot be run here yet.',
        details: { file, field: 'general.architecture', got: name },
      },
    )
  }
  const { config, checkpoint } = await openModelFiles(source, signal)
  checkLimits(await describeModel(config, checkpoint.tensors))
  return weightFiles(checkpoint)
}

/**
 * Has the browser keep a model of the hub, and opens it from there.
 * @throws `network`, `storage` (no room: `details.full`), `bad-file`, `unsupported`, `aborted`. A download that fails or is aborted
 * goes on where it was when it is asked for again.
 */
export async function keepSource(
  source: FileSource,
  { signal, onProgress }: Pick<LoadOptions, 'signal' | 'onProgress'>,
): Promise<FileSource> {
  const hub = source as HubSource
  const file = await findGguf(hub)
  const weights = await weightsOf(hub, file, signal)
  const repository = await hub.repository(signal)
  const listing = repository?.files ?? (await beside(hub, weights))
  const files = neededFiles(listing, weights)
  const onBytes = (bytesDone: number, bytesTotal: number): void =>
    onProgress?.({ stage: 'download', bytesDone, bytesTotal })
  const kept = await keepModel({ hub, file, files, signal, onBytes })
  return kept ?? { ...hub, remarks: [NOT_KEPT] }
}

/** What is there of a folder that cannot be listed. */
async function beside(
  source: FileSource,
  weights: readonly string[],
): Promise<{ name: string; bytes: null }[]> {
  const present = await Promise.all(COMPANIONS.map((name) => source.has(name)))
  return [...COMPANIONS.filter((_, i) => present[i]), ...weights].map((name) => ({ name, bytes: null }))
}
