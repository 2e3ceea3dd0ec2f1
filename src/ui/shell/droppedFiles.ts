import { traceAmong } from '../../state/chosenFiles.ts'
import type { Session } from '../../state/session.ts'

/** Files of one folder level; deeper folders of a checkpoint (onnx/, original/) hold nothing this page reads. */
async function filesOfFolder(folder: FileSystemDirectoryEntry): Promise<File[]> {
  const reader = folder.createReader()
  const files: File[] = []
  // A reader hands out at most a hundred entries a time, then an empty batch.
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    )
    if (batch.length === 0) return files
    for (const entry of batch) if (entry.isFile) files.push(await fileOf(entry as FileSystemFileEntry))
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject))
}

/** Name of the one folder that was dropped, null for loose files; to be read before the event ends. */
export function droppedFolder(transfer: DataTransfer): string | null {
  const [entry, ...more] = [...transfer.items].map((item) => item.webkitGetAsEntry())
  return entry?.isDirectory === true && more.length === 0 ? entry.name : null
}

/** What was dropped, a folder replaced by the files in it. */
export async function droppedFiles(transfer: DataTransfer): Promise<File[]> {
  // Entries must be taken before the first await: the list is emptied when the event ends.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry())
  const plain = [...transfer.files]
  const folders = entries.filter((entry) => entry?.isDirectory === true)
  if (folders.length === 0) return plain
  const inside = await Promise.all(folders.map((entry) => filesOfFolder(entry as FileSystemDirectoryEntry)))
  const besides = entries.flatMap((entry, index) => (entry?.isFile === true ? (plain[index] ?? []) : []))
  return [...inside.flat(), ...besides]
}

/** Opens a trace file and shows it; false when the files are something else. */
export async function openedTrace(session: Session, files: readonly File[]): Promise<boolean> {
  const file = await traceAmong(files)
  if (file === null) return false
  const { savedTracesOf } = await import('../views/trace/store.ts')
  session.app.setState({ view: 'trace', narrow: 'view' })
  await savedTracesOf(session).open(file, file.name)
  return true
}
