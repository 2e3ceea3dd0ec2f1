import { createParser } from 'eventsource-parser'
import { broken } from './errors.ts'

/** Characters a single event may have: a generous bound for thousands of alternatives. */
const MAX_EVENT = 16 * 1024 * 1024

/**
 * The data of each server-sent event. Characters and events may be cut anywhere between two chunks. An event that the end of the
 * stream leaves without its empty line counts when its data is whole JSON, so that no text is lost.
 *
 * @param touch called for every chunk, comments included
 */
export async function* sseData(
  body: AsyncIterable<Uint8Array>,
  url: string,
  touch: () => void,
): AsyncGenerator<string> {
  const ready: string[] = []
  let tooLong = false
  const parser = createParser({
    onEvent: ({ data }) => ready.push(data),
    onError: ({ type }) => (tooLong ||= type === 'max-buffer-size-exceeded'),
    maxBufferSize: MAX_EVENT,
  })
  const decoder = new TextDecoder()
  const feed = (text: string): void => {
    parser.feed(text)
    if (tooLong) throw broken(`${url} sent an event of more than ${MAX_EVENT} characters.`, url)
  }
  for await (const chunk of body) {
    touch()
    feed(decoder.decode(chunk, { stream: true }))
    yield* ready.splice(0)
  }
  feed(`${decoder.decode()}\n\n`)
  for (const data of ready) if (data === '[DONE]' || isJson(data)) yield data
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
