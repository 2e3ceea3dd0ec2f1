import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import type { RandomSource } from '../random.ts'
import { nextAction, showView, type Action, type Drive } from './randomActions.ts'
import {
  readAdapters,
  readMemory,
  readPage,
  writeAgain,
  type Acting,
  type Seen,
  type ShownText,
} from './randomPage.ts'

const id = (name: string) => `[data-testid="${name}"]`
/** How often things are let come to rest before the next action. */
const REST = 0.6
/** How often the page is left and opened again, once it rests. */
const RELOAD = 0.08
/** How often an undo and its redo are tried on what is there. */
const THERE_AND_BACK = 0.15
const EDITS_BYTES = 4096
/** Sizes of forwards whose programs stay bound once they were run: rows by rows with logits. A page begins with two. */
const PROGRAM_SIZES = 27
/** Tokens of a text that are asked for a second time. */
const AGAIN = 12

/** Does things at random and knows what must hold after each. */
export class RandomPerson {
  /** Everything done so far, to be read where it failed. */
  readonly done: string[] = []
  private readonly drive: Drive
  /** The text as it stood when the page last rested; null while something may change it. */
  private text: ShownText | null = null
  /** Texts that have stood on the page, with who wrote them: what undo may bring back. */
  private readonly known = new Set<string>()
  /** Runs begun of which no text has been seen at rest. */
  private unseen = 1
  /** The run that wrote the text, while nothing else has touched it: its prompt and settings. */
  private run: ShownText | null = null
  private memory: Record<string, number> = {}

  constructor(page: Page, random: RandomSource) {
    this.drive = { page, random, visits: { views: ['write'], at: 0 }, asked: null }
  }

  /** Waits for the first text. */
  async arrive(): Promise<void> {
    await this.ready()
    this.memory = await readMemory(this.drive.page)
  }

  /** One action; where the page is then let come to rest, everything it shows is looked at. */
  async act(): Promise<void> {
    const { random } = this.drive
    const action = nextAction(random)
    const [rests, reloads, back] = [REST, RELOAD, THERE_AND_BACK].map((often) => random.uniform() < often)
    this.done.push(action.name)
    const what = await this.do(action)
    this.say(what ?? 'cannot be done')
    if (what === null) return
    await this.look()
    if (!rests) return
    this.say('at rest')
    await this.rest()
    if (back) await this.thereAndBack()
    if (reloads) await this.reload()
  }

  /** Takes everything back to the base, which must then hold no more than at first. */
  async leave(): Promise<void> {
    const { drive } = this
    const { page } = drive
    this.done.push('leave')
    await showView(drive, 'adapters')
    await this.rest()
    await showView(drive, 'adapters')
    const rows = page.locator(id('adapter-remove'))
    await expect
      .poll(async () => {
        if ((await rows.count()) > 0) await rows.first().click()
        return (await readAdapters(page)).length
      })
      .toBe(0)
    await showView(drive, 'write')
    // What views keep at hand of a text goes with it.
    await page.fill(id('prompt'), 'Once upon a time')
    await page.fill(id('sampling-max-tokens'), '6')
    await page.click(id('generate'))
    this.text = null
    this.run = null
    this.unseen += 1
    await this.rest()
    // The strip below may still be reading. What edits are written into stays with the model once there has been one.
    const { params: firstParams = 0, ...first } = this.memory
    await expect
      .poll(async () => {
        const { edits = 0, params = 0, ...memory } = await readMemory(page)
        return {
          ...memory,
          ...(edits > EDITS_BYTES && { edits }),
          ...(params > (firstParams / 2) * PROGRAM_SIZES && { params }),
        }
      })
      .toEqual(first)
  }

  private say(words: string): void {
    this.done.push(`${this.done.pop()}: ${words}`)
  }

  private async do(action: Action): Promise<string | null> {
    const what = await action.act(this.drive)
    if (what === null || action.kind === undefined) return what
    this.text = null
    if (action.kind === 'stops') return what
    this.run = action.kind === 'writes' ? this.drive.asked : null
    if (action.kind !== 'moves') this.unseen += 1
    return what
  }

  /** What must hold even while things are under way. */
  private async look(): Promise<void> {
    const { page, visits } = this.drive
    await expect.poll(async () => (await readPage(page)).view).toBe(visits.views[visits.at])
    const { error } = await readPage(page)
    if (error !== null) throw new Error(`The page says: ${error}`)
  }

  /** Waits until every adapter that was asked for is there, and none that was removed, and names them. */
  private async adapters(): Promise<string[]> {
    const { drive } = this
    await showView(drive, 'adapters')
    await drive.page.waitForSelector(id('adapter-drop'), { state: 'attached' })
    await expect.poll(() => drive.page.getByTestId('adapter-coming').count()).toBe(0)
    const rows = drive.page.getByTestId('adapter-row')
    await expect.poll(async () => (await readAdapters(drive.page)).length - (await rows.count())).toBe(0)
    return (await readAdapters(drive.page)).map(({ name, scale }) => `${name} ${scale}`)
  }

  /** Waits until nothing is under way and looks at the text: the same as before, and by whom it says. */
  private async rest(): Promise<void> {
    const { drive } = this
    const { page } = drive
    await expect.poll(async () => (await readPage(page)).status).toBe('ready')
    await showView(drive, 'write')
    // What is looked at is what was seen at rest: an adapter on its way in may have the text read anew a moment later.
    const seen: Seen[] = []
    await expect.poll(async () => underWay((seen[0] = await readPage(page)))).toBe('')
    await this.look()
    const text = seen[0]?.text ?? null
    if (text === null) throw new Error('Write shows no text')
    const { text: before } = this
    if (before !== null)
      expect([text.prompt, text.ids, by(text)]).toEqual([before.prompt, before.ids, by(before)])
    this.text = text
    await this.isTrue(text)
  }

  private async ready(): Promise<void> {
    await this.drive.page.evaluate(() => window.tokenscope.then(() => undefined))
    await this.rest()
  }

  /** Who leaves and comes back finds everything as it was. */
  private async reload(): Promise<void> {
    const { page } = this.drive
    this.done.push('reload')
    const adapters = await this.adapters()
    const settings = this.text?.settings
    const dropped = await page.locator(id('model-select')).inputValue()
    await page.reload()
    await page.evaluate(() => window.tokenscope.then(() => undefined))
    // Files do not outlive a reload: that is said, and another model is chosen by hand.
    if (dropped === ' dropped') {
      await page.getByRole('alert').getByText('is not here').waitFor()
      await page.selectOption(id('model-select'), 'tales-3m')
    }
    await this.rest()
    expect(this.text?.settings).toEqual(settings)
    await expect.poll(() => this.adapters()).toEqual(adapters)
  }

  /** What is undone and done again is as it was. */
  private async thereAndBack(): Promise<void> {
    const { page } = this.drive
    const undo = page.locator(`${id('undo')}:enabled`)
    if ((await undo.count()) === 0) return
    this.done.push(`${await undo.getAttribute('title')}, and redo`)
    const { text } = this
    const adapters = await this.adapters()
    await undo.click()
    await page.locator(`${id('redo')}:enabled`).click()
    this.text = null
    await this.rest()
    // Whose probabilities it is coloured by follows once it has been read under them.
    const own = (shown: ShownText | null) => shown && { ...shown, written: by(shown) }
    expect(own(this.text)).toEqual(own(text))
    expect((await this.adapters()).sort()).toEqual(adapters.sort())
  }

  /** What stands there is what those it names would write, or it has stood there before. */
  private async isTrue(text: ShownText): Promise<void> {
    const { page } = this.drive
    const key = JSON.stringify([text.ids, by(text)])
    if (this.known.has(key) || text.ids.length === 0) return
    expect(this.unseen, 'a text stands there that has not been written').toBeGreaterThan(0)
    this.unseen -= 1
    this.known.add(key)
    const { run } = this
    const scales = writers(text, await readAdapters(page))
    if (scales === null || run === null) return
    const count = Math.min(AGAIN, text.ids.length)
    this.say(`compared with what ${by(text).replace('written by ', '')} writes`)
    expect(await writeAgain(page, run, scales, count)).toEqual(text.ids.slice(0, count))
  }
}

/** What is not at rest yet; empty when all is. */
function underWay({ status, text }: Seen): string {
  if (status !== 'ready' || text === null) return status
  return text.ids.length === 0 || /^written by ./.test(text.written) ? '' : text.written || 'nothing'
}

/** Who wrote a text, without whose probabilities its colours show. */
const by = ({ written }: ShownText): string => written.split(' · ')[0] ?? ''

/** The scales a text names, as the engine would take them; null where one is not loaded any more. */
function writers(text: ShownText, adapters: readonly Acting[]): Pick<Acting, 'id' | 'scale'>[] | null {
  const names = by(text).replace('written by ', '')
  if (names === 'base') return []
  const result = names.split(' + ').map((part) => {
    const [, name, scale] = /^(.+) ×(.+)$/.exec(part) ?? []
    const adapter = adapters.find((one) => one.name === name)
    return adapter && { id: adapter.id, scale: Number(scale?.replace('−', '-')) }
  })
  return result.every((one) => one !== undefined) ? result : null
}
