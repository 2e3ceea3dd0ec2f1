import type { ModelSource } from '../api/load.ts'
import type { InspectSourceOptions, MachineLimits, SourceFile, SourceReport } from '../api/source.ts'
import { TokenscopeError } from '../errors.ts'
import { ggufModels, findGguf } from '../formats/gguf/find.ts'
import type { FileSource } from '../formats/tensors.ts'
import { spellHubAddress } from '../sources/hubAddress.ts'
import type { HubRepository } from '../sources/hubApi.ts'
import type { HubSource } from '../sources/hub.ts'
import { openSource } from '../sources/open.ts'
import { adapterLimits, memoryLimit, unfit } from './fit.ts'
import { judgeFolder, judgeGguf, type Assessment } from './judge.ts'
import { COMPANIONS } from './modelFiles.ts'
import { neededFiles } from './neededFiles.ts'

const ADAPTER_CONFIG = 'adapter_config.json'
const MAX_CONFIG = 1024 * 1024

/** A source with what is known of it as a whole. */
interface Opened {
  readonly source: FileSource
  readonly hub: HubSource | null
  readonly repository: HubRepository | null
  /** Null where there is no listing. */
  readonly names: readonly string[] | null
}

const isHub = (source: FileSource): source is HubSource => 'repository' in source

async function open(source: FileSource, signal: AbortSignal | undefined): Promise<Opened> {
  const hub = isHub(source) ? source : null
  const repository = (await hub?.repository(signal)) ?? null
  return { source, hub, repository, names: await source.list() }
}

/** Every file with its size; where nothing can be listed those that loading would look for. */
async function listFiles(
  { source, repository, names }: Opened,
  weights: readonly string[],
): Promise<{ name: string; bytes: number | null }[]> {
  if (repository) return repository.files.map(({ name, bytes }) => ({ name, bytes }))
  const candidates = names ?? [...COMPANIONS, ...weights]
  const files = await Promise.all(
    candidates.map(async (name) =>
      (await source.has(name)) ? { name, bytes: await source.size(name) } : null,
    ),
  )
  return files.filter((file) => file !== null)
}

/** What `loadModel` takes for what was looked at, pinned to the commit; null where there is no spelling. */
function spelling(source: ModelSource, { hub, repository }: Opened, file: string | null): string | null {
  if (!hub) return typeof source === 'string' ? source : null
  const { revision } = hub.address
  const kept = revision === 'main' ? revision : (repository?.commit ?? revision)
  return spellHubAddress({ ...hub.address, revision: kept, file: file ?? undefined })
}

/**
 * What a source holds and whether it will run here, only from headers: no weights are read.
 *
 * @throws TokenscopeError: `bad-file`, `bad-argument`, `network` (of a gated model `details.got` is 401 or 403), `aborted`. What is
 * sound and not supported is no error: its verdict says so.
 */
export async function inspectSourceFrom(
  source: ModelSource,
  options: InspectSourceOptions,
  modelsUrl: URL,
): Promise<SourceReport> {
  const { hub, signal } = options
  const opened = await open(await openSource(source, { modelsUrl, hub }), signal)
  const limits = { ...(await adapterLimits()), ...options.limits }
  const isAdapter = opened.names?.includes(ADAPTER_CONFIG) && !opened.names.includes('config.json')
  const judged = isAdapter ? await judgeAdapter(opened, limits) : await judgeModel(opened, options, limits)
  const listed = await listFiles(opened, judged.weightFiles)
  const needed = new Set(isAdapter ? [] : neededFiles(listed, judged.weightFiles))
  const files = listed.map(({ name, bytes }): SourceFile => ({ name, bytes, needed: needed.has(name) }))
  const { repository } = opened
  return {
    id: opened.source.label,
    source: spelling(source, opened, judged.file),
    kind: isAdapter ? 'adapter' : 'model',
    commit: repository?.commit ?? null,
    gated: repository?.gated ?? false,
    files,
    file: judged.file,
    choices: judged.file === null ? [] : ggufModels(opened.names ?? [judged.file]),
    bytes: files.reduce((sum, file) => sum + (file.needed ? (file.bytes ?? 0) : 0), 0),
    modelType: judged.modelType,
    architecture: judged.architecture,
    parameters: judged.parameters ?? repository?.parameters ?? 0,
    license: repository?.license ?? judged.license,
    baseModels: [...new Set([...judged.baseModels, ...(repository?.baseModels ?? [])])],
    weights: judged.weights,
    context: judged.context,
    fit: judged.fit,
  }
}

async function judgeModel(
  opened: Opened,
  options: InspectSourceOptions,
  limits: MachineLimits,
): Promise<Assessment> {
  const file = await findGguf(opened.source)
  const request = { ...options, limits }
  return file === null ? judgeFolder(opened.source, request) : judgeGguf(opened.source, file, request)
}

const NOT_RUN: Omit<Assessment, 'fit' | 'baseModels'> = {
  file: null,
  weightFiles: [],
  modelType: '',
  architecture: '',
  parameters: null,
  license: null,
  weights: 'f32',
  context: 0,
}

async function judgeAdapter({ source }: Opened, limits: MachineLimits): Promise<Assessment> {
  const text = new TextDecoder().decode(await source.read(ADAPTER_CONFIG, { maxBytes: MAX_CONFIG }))
  const base = baseOf(text)
  const why =
    base === null ? 'An adapter: load its base first.' : `An adapter: load its base, ${base}, first.`
  const fit = unfit(why, limits.memoryBytes ?? memoryLimit())
  return { ...NOT_RUN, baseModels: base === null ? [] : [base], fit }
}

function baseOf(config: string): string | null {
  try {
    const { base_model_name_or_path: base } = JSON.parse(config) as Record<string, unknown>
    return typeof base === 'string' && base !== '' ? base : null
  } catch (cause) {
    throw new TokenscopeError('bad-file', `${ADAPTER_CONFIG} is no JSON.`, {
      hint: 'The file is damaged or was cut off; fetch it again.',
      details: { file: ADAPTER_CONFIG },
      cause,
    })
  }
}
