import { badFile } from './badFile.ts'

/**
 * Checks a name from an index or a caller before anything is opened by it: a relative path with forward slashes that stays
 * inside the folder.
 * @param from The file the name was read in, and the field, for the message.
 */
export function checkFileName(name: string, from: { file: string; field: string }): string {
  const parts = name.split('/')
  const inside = parts.every((part) => part !== '' && part !== '.' && part !== '..')
  const plain = !/[\\:\p{Cc}]/u.test(name)
  if (inside && plain && name.length <= 1024) return name
  const hint = 'Only files beside the checkpoint are read; the file may be hostile.'
  throw badFile(
    from.file,
    from.field,
    JSON.stringify(name.slice(0, 100)),
    'the name of a file in the same folder',
    hint,
  )
}
