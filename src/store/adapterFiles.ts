/** Bytes of an archive that is looked into before it is handed on; a larger one is taken for a model. */
const LOOKED_INTO = 256 * 1024 * 1024

const ADAPTER_FILE = /(^|\/)adapter_(config\.json|model\.(safetensors|bin))$/

/** A file of a chosen folder knows its way; a single one has its name. */
const pathOf = (file: File): string => file.webkitRelativePath || file.name

/** True for the files of an adapter, loose, in a folder or in one zip archive; anything else is taken for a model. */
export async function areAdapterFiles(files: readonly File[]): Promise<boolean> {
  const [file] = files
  if (files.length === 1 && file !== undefined && /\.zip$/i.test(file.name)) {
    return file.size <= LOOKED_INTO && (await namesInZip(file)).some((name) => ADAPTER_FILE.test(name))
  }
  return files.some((one) => ADAPTER_FILE.test(pathOf(one)))
}

/** Names of an archive's entries; none of a broken one, which the loader then refuses by name. */
async function namesInZip(file: File): Promise<string[]> {
  const { unzipSync } = await import('fflate')
  const names: string[] = []
  try {
    unzipSync(new Uint8Array(await file.arrayBuffer()), {
      filter: ({ name }) => {
        names.push(name)
        return false
      },
    })
  } catch {
    return []
  }
  return names
}

/** What dropped files are called: their folder, their archive, else nothing. */
export function nameOfFiles(files: readonly File[]): string | null {
  const [file] = files
  const folder = file === undefined ? undefined : pathOf(file).split('/').at(-2)
  if (folder) return folder
  const archive = files.length === 1 ? /^(.+)\.zip$/i.exec(file?.name ?? '')?.[1] : undefined
  return archive ?? null
}

/** One download for exported files: a single one as it is, several in a zip archive. */
export async function packFiles(
  files: ReadonlyMap<string, Uint8Array>,
  name: string,
): Promise<{ name: string; blob: Blob }> {
  const [only] = files
  if (files.size === 1 && only !== undefined) {
    const ending = only[0].slice(only[0].lastIndexOf('.'))
    return { name: `${name}${ending}`, blob: new Blob([only[1] as BlobPart]) }
  }
  const { zipSync } = await import('fflate')
  // Weights do not compress: stored as they are, packing takes no time.
  const packed = zipSync(Object.fromEntries(files), { level: 0 })
  return { name: `${name}.zip`, blob: new Blob([packed], { type: 'application/zip' }) }
}
