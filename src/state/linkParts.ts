/** What a view keeps in the page's link, under a key of its own. */
export interface LinkPart {
  /** The value for a link of now; null leaves the key out. */
  read(): string | null
  /** Takes over what a link says; an empty text means that the link has nothing of it. */
  write(text: string): void
  /** True while a link of now leaves out something of it. */
  omits?(): boolean
}

const parts = new Map<string, LinkPart>()
/** Values of links whose part has not been registered: the code of most views is fetched when it is first needed. */
const waiting = new Map<string, string>()
const listeners = new Set<() => void>()

/** Gives a view its key in the link. What a link has said under it before is written at once. */
export function registerLinkPart(name: string, part: LinkPart): void {
  parts.set(name, part)
  const text = waiting.get(name)
  waiting.delete(name)
  if (text !== undefined) part.write(text)
}

/** To be called whenever what a part would read has changed: the address follows. */
export function linkPartChanged(): void {
  for (const listener of listeners) listener()
}

/** Every part of a link of now; values that are not asked for yet are passed on as they came. */
export function readLinkParts(): Map<string, string> {
  const values = new Map(waiting)
  for (const [name, part] of parts) {
    const text = part.read()
    if (text !== null) values.set(name, text)
  }
  return values
}

/** Keys of parts of which a link of now leaves out something. */
export function omittedParts(): string[] {
  return [...parts].flatMap(([name, part]) => (part.omits?.() === true ? [name] : []))
}

/** Hands a link's values to their parts; parts the link leaves out are emptied. */
export function writeLinkParts(values: ReadonlyMap<string, string>): void {
  waiting.clear()
  for (const [name, text] of values) if (!parts.has(name)) waiting.set(name, text)
  for (const [name, part] of parts) {
    const text = values.get(name)
    if (text !== undefined) part.write(text)
    else if (part.read() !== null) part.write('')
  }
}

export function onLinkPartChange(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
