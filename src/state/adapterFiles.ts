/** A file of a chosen folder knows its way; a single one has its name. */
const pathOf = (file: File): string => file.webkitRelativePath || file.name

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
