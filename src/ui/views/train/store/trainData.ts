import { createStore } from 'zustand/vanilla'
import { toErrorData, type ErrorData } from '../../../../errors.ts'
import type { Session } from '../../../../state/session.ts'
import { encodeRecords, tripletLayout, type EncodedExample, type TripletLayout } from './encodeRecords.ts'
import { parseData, type BadLine, type ParsedData } from './parseData.ts'
import { fetchTraining, parseSets, type BuiltInSet } from './sets.ts'
import { splitExamples, type Split } from './split.ts'

/** Milliseconds that typing rests before the text is read again. */
const DEBOUNCE_MS = 300

export type DataPhase =
  { kind: 'empty' } | { kind: 'reading' } | { kind: 'ready' } | { kind: 'failed'; error: ErrorData }

export interface DataState {
  /** Data sets of the page; null before they are known. */
  sets: readonly BuiltInSet[] | null
  /** Name of the set on show; null for a person's own data. */
  set: string | null
  /** What the data is called: a set, a file, or nothing. */
  name: string
  text: string
  phase: DataPhase
  parsed: ParsedData | null
  layout: TripletLayout
  examples: readonly EncodedExample[]
  /** Lines that are no examples, in their order. */
  bad: readonly BadLine[]
  /** Number of the example looked at. */
  selected: number
}

/** Examples of a run: those learned from and those measured with. */
export interface RunExamples {
  train: readonly EncodedExample[]
  held: readonly EncodedExample[]
  split: Split
}

/** The data a person trains on: read from text, and encoded with the model on the page. */
export class TrainData {
  readonly state = createStore<DataState>()(() => ({
    sets: null,
    set: null,
    name: '',
    text: '',
    phase: { kind: 'empty' },
    parsed: null,
    layout: 'plain',
    examples: [],
    bad: [],
    selected: 0,
  }))
  private readonly session: Session
  private longest = 256
  /** Counts readings; what an older one finds is dropped. */
  private readTurn = 0
  private timer: ReturnType<typeof setTimeout> | undefined
  private encodedFor: object | null = null
  private listing: Promise<void> | null = null

  constructor(session: Session) {
    this.session = session
    session.app.subscribe(() => {
      if (session.model !== null && session.model !== this.encodedFor) this.readSoon(0)
    })
  }

  /** Fetches the list of sets, once; a failure is said and may be tried again. */
  list(): Promise<void> {
    this.listing ??= fetchTraining('index.json')
      .then((text) => this.state.setState({ sets: parseSets(JSON.parse(text)) }))
      .catch((error: unknown) => {
        this.listing = null
        this.state.setState({ sets: [] })
        this.session.report(error)
      })
    return this.listing
  }

  async openSet({ name, file }: BuiltInSet): Promise<void> {
    this.state.setState({ set: name, phase: { kind: 'reading' } })
    try {
      const text = await fetchTraining(file)
      if (this.state.getState().set === name) await this.setText(text, { name: file, set: name })
    } catch (error) {
      if (this.state.getState().set === name)
        this.state.setState({ phase: { kind: 'failed', error: toErrorData(error) } })
    }
  }

  async openFile(file: File): Promise<void> {
    await this.setText(await file.text(), { name: file.name, set: null })
  }

  /** What is typed or pasted. */
  type(text: string): void {
    this.state.setState({ text, set: null, name: '' })
    this.readSoon(DEBOUNCE_MS)
  }

  /** A text in place of the one before, read at once. */
  setText(text: string, { name, set }: { name: string; set: string | null }): Promise<void> {
    this.state.setState({ text, name, set, selected: 0 })
    return this.read()
  }

  /** Tokens of one example from now on. */
  setLongest(longest: number): void {
    if (longest === this.longest) return
    this.longest = longest
    this.readSoon(DEBOUNCE_MS)
  }

  select(selected: number): void {
    const last = this.state.getState().examples.length - 1
    this.state.setState({ selected: Math.max(0, Math.min(last, selected)) })
  }

  /** The examples as a seed parts them. A set of the page keeps for the end what shares nothing with the others. */
  split(heldOut: number, seed: number): RunExamples {
    const { examples, set } = this.state.getState()
    const split = splitExamples(examples.length, heldOut, set === null ? seed : null)
    const pick = (numbers: readonly number[]): EncodedExample[] => numbers.flatMap((at) => examples[at] ?? [])
    return { split, train: pick(split.train), held: pick(split.held) }
  }

  private readSoon(rest: number): void {
    clearTimeout(this.timer)
    if (this.state.getState().text === '' && this.state.getState().phase.kind === 'empty') return
    this.timer = setTimeout(() => void this.read(), rest)
  }

  private async read(): Promise<void> {
    clearTimeout(this.timer)
    const turn = ++this.readTurn
    const { text, name } = this.state.getState()
    const { model } = this.session
    this.encodedFor = model
    if (text.trim() === '') {
      this.state.setState({ phase: { kind: 'empty' }, parsed: null, examples: [], bad: [] })
      return
    }
    const parsed = parseData(text, name)
    this.state.setState({ parsed, bad: parsed.bad, phase: { kind: 'reading' } })
    if (model === null) return
    const isWanted = (): boolean => turn === this.readTurn
    try {
      const layout = await tripletLayout(model)
      const longest = Math.min(this.longest, model.info.context)
      const read = await encodeRecords(model, parsed.records, { longest, layout, isWanted })
      if (!isWanted()) return
      const bad = [...parsed.bad, ...read.bad].sort((a, b) => a.line - b.line)
      this.state.setState({ layout, examples: read.examples, bad, phase: { kind: 'ready' } })
      this.select(this.state.getState().selected)
    } catch (error) {
      if (isWanted())
        this.state.setState({ examples: [], phase: { kind: 'failed', error: toErrorData(error) } })
    }
  }
}
