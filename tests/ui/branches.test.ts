import { beforeEach, describe, expect, test } from 'vitest'
import { TokenscopeError } from '../../src/errors.ts'
import { createAppStore, DEFAULT_PREFERENCES } from '../../src/state/app.ts'
import { branchesOf } from '../../src/ui/views/branches/store.ts'
import { historyOf } from '../../src/state/history.ts'
import { Session } from '../../src/state/session.ts'
import { DEFAULT_SETTINGS } from '../../src/state/settings.ts'
import {
  firstDifference,
  idsOf,
  leafOf,
  markRecent,
  pathTo,
  scoreOf,
  TokenTree,
  type TokenNode,
  type TreeToken,
} from '../../src/analysis/tokenTree.ts'
import { TokenLog } from '../../src/state/tokenLog.ts'
import type { GeneratedToken, LensOptions, Model } from '../../src/api/model.ts'

const token = (id: number, more: Partial<TreeToken> = {}): TreeToken => ({
  id,
  text: ` ${id}`,
  logprob: Math.log(1 / (1 + id)),
  prompt: false,
  random: null,
  finish: null,
  ...more,
})

/** Adds a path below a node; resolves to its last token. */
const grow = (tree: TokenTree, from: TokenNode, ids: readonly number[], prompt = false): TokenNode =>
  ids.reduce((at, id) => tree.add(at, token(id, { prompt })), from)

describe('the tree', () => {
  let tree: TokenTree
  let prompt: TokenNode
  let first: TokenNode
  beforeEach(() => {
    tree = new TokenTree('m')
    prompt = grow(tree, tree.root, [0, 1, 2], true)
    first = grow(tree, prompt, [3, 4, 5, 6])
    markRecent(pathTo(first))
  })
  const shape = () =>
    tree.lines().map(({ nodes, depth, place, siblings }) => [idsOf(nodes), depth, place, siblings])

  test('one text is one line; what forks it splits the line there', () => {
    expect(shape()).toEqual([[[0, 1, 2, 3, 4, 5, 6], 0, 1, 1]])
    grow(tree, prompt.children[0]!, [9, 8])
    expect(shape()).toEqual([
      [[0, 1, 2, 3], 0, 1, 1],
      [[4, 5, 6], 1, 1, 2],
      [[9, 8], 1, 2, 2],
    ])
    grow(tree, prompt.parent!, [7])
    expect(shape()).toEqual([
      [[0, 1], 0, 1, 1],
      [[2, 3], 1, 1, 2],
      [[4, 5, 6], 2, 1, 2],
      [[9, 8], 2, 2, 2],
      [[7], 1, 2, 2],
    ])
  })

  test('a text that is there already adds nothing', () => {
    expect(grow(tree, prompt, [3, 4, 5, 6])).toBe(first)
    expect(tree.all()).toHaveLength(7)
  })

  test('the text through a token goes on where it went last', () => {
    const other = grow(tree, prompt.children[0]!, [9, 8])
    expect(leafOf(prompt)).toBe(first)
    markRecent(pathTo(other))
    expect(leafOf(prompt)).toBe(other)
    expect(leafOf(first.parent!)).toBe(first)
  })

  test('a branch that is taken off can be put back where it was', () => {
    grow(tree, prompt, [9, 8])
    const before = shape()
    const putBack = tree.detach(prompt.children[0]!)
    expect(shape()).toEqual([[[0, 1, 2, 9, 8], 0, 1, 1]])
    expect(tree.node(first.key)).toBeNull()
    expect(leafOf(prompt)).toBe(prompt)
    putBack()
    expect(shape()).toEqual(before)
    expect(tree.node(first.key)).toBe(first)
    expect(leafOf(prompt)).toBe(first)
  })

  test('a text is scored by its own tokens, and two part at the first that differs', () => {
    const other = grow(tree, prompt.children[0]!, [9])
    const path = pathTo(first)
    expect(scoreOf(path).tokens).toBe(4)
    expect(scoreOf(path).logprob).toBeCloseTo(-Math.log(4 * 5 * 6 * 7), 12)
    expect(firstDifference(path, pathTo(other))).toBe(4)
    expect(firstDifference(path, path.slice(0, 2))).toBe(2)
    first.logprob = null
    expect(scoreOf(path).logprob).toBeNull()
  })

  test('survives being kept', () => {
    grow(tree, prompt, [9, 8])
    prompt.next = [{ id: 9, text: ' 9', logprob: -1 }]
    const saved = tree.snapshot('a:1')
    const back = TokenTree.restore(JSON.parse(JSON.stringify(saved)) as typeof saved)
    expect(back.snapshot('a:1')).toEqual(saved)
    expect(back.lines().map(({ nodes }) => idsOf(nodes))).toEqual(
      tree.lines().map(({ nodes }) => idsOf(nodes)),
    )
  })

  test('a text of fifty thousand tokens is no deep recursion', () => {
    grow(
      tree,
      first,
      Array.from({ length: 50_000 }, (_, i) => i),
    )
    expect(tree.lines()).toHaveLength(1)
    expect(tree.snapshot('').nodes).toHaveLength(50_007)
  })
})

const VOCAB = 40
const top = (around: number) =>
  Array.from({ length: 12 }, (_, i) => ({
    id: (around + i) % VOCAB,
    text: ` w${(around + i) % VOCAB}`,
    logprob: Math.log(0.5 ** (i + 1)),
  }))

function page() {
  const asked: string[] = []
  const adapters: { id: string; scale: number }[] = []
  const model = {
    info: {
      id: 'm',
      tasks: ['generate'],
      layers: 2,
      vocab: VOCAB,
      hasTokenizer: true,
      bosId: 0,
      eosIds: [39],
    },
    listAdapters: () => Promise.resolve(adapters),
    memory: () => Promise.resolve({ gpuBytes: 0, buffers: 0, byLabel: {} }),
    tokenTexts: (ids: readonly number[]) => Promise.resolve(ids.map((id) => ` w${id}`)),
    encode: (text: string) => Promise.resolve(text.split(' w').slice(1).map(Number)),
    fork: (ids: readonly number[], position: number, id: number) => {
      asked.push(`fork ${position}`)
      return Promise.resolve({ ids: [...ids, id], next: { top: top(id + 1), entropy: 1 }, reused: position })
    },
    expand: (ids: readonly number[], count: number) => {
      asked.push(`expand ${ids.length} ${count}`)
      const tokens = top((ids.at(-1) ?? 0) + 1).slice(0, count)
      return Promise.resolve(
        tokens.map((one) => ({ token: one, next: { top: top(one.id + 1), entropy: 1 } })),
      )
    },
    lens: (ids: readonly number[], { positions = [] }: LensOptions) => {
      asked.push(`lens ${positions.join()}`)
      const cells = positions.map((position) => ({
        position,
        probability: 0.125,
        top: top((ids[position] ?? 0) + 1).map(({ id, logprob }) => ({ id, probability: Math.exp(logprob) })),
      }))
      return Promise.resolve({ layers: [1], positions, cells })
    },
    async *generate(ids: readonly number[]): AsyncGenerator<GeneratedToken> {
      let id = ids.at(-1) ?? 0
      for (let index = 0; index < 3; index++) {
        await Promise.resolve()
        id = (id + 1) % VOCAB
        const finish = index === 2 ? 'length' : null
        const position = ids.length + index
        yield {
          index,
          position,
          id,
          text: ` w${id}`,
          logprob: Math.log(0.5),
          top: top(id),
          random: null,
          finish,
        }
      }
    },
  }
  const app = createAppStore(DEFAULT_PREFERENCES, { prompt: ' w1 w2', settings: { ...DEFAULT_SETTINGS } })
  const log = new TokenLog((run) => run())
  const client = {
    loadModel: () => Promise.resolve(model as unknown as Model),
    onEvent: () => () => undefined,
    dispose: () => undefined,
  }
  const session = new Session({ client, app, log, now: () => 0 })
  return { session, app, log, model, asked, adapters }
}

describe('the branches of a page', () => {
  let open: ReturnType<typeof page>
  const branches = () => branchesOf(open.session)
  const shown = () => open.log.idsBefore(open.log.tokens.length)
  const texts = () =>
    branches()
      .tree.lines()
      .filter(({ nodes }) => nodes.at(-1)!.children.length === 0)
      .map(({ nodes }) => idsOf(pathTo(nodes.at(-1)!)))
  const nodeAt = (row: number) => branches().currentPath()[row]!
  beforeEach(async () => {
    open = page()
    await open.session.load('m', { label: 'm', id: 'm' })
    await open.session.generate()
    expect(shown()).toEqual([1, 2, 3, 4, 5])
  })

  test('the text on the page is the first path, and its end is chosen', () => {
    expect(texts()).toEqual([[1, 2, 3, 4, 5]])
    expect(branches().selected()?.id).toBe(5)
    expect(nodeAt(1).prompt).toBe(true)
    expect(nodeAt(2)).toMatchObject({ prompt: false, logprob: Math.log(0.5) })
  })

  test('a fork puts the new text on the page, keeps the old one, and computes one row', async () => {
    await branches().forkAt(nodeAt(3), 6)
    expect(texts()).toEqual([
      [1, 2, 3, 4, 5],
      [1, 2, 3, 6],
    ])
    expect(shown()).toEqual([1, 2, 3, 6])
    expect(open.asked).toEqual(['fork 3'])
    // Captured with the token it takes the place of: top(4) gives 6 a probability of 1/8.
    expect(open.log.tokens[1]).toMatchObject({ id: 6, position: 3, index: 1, logprob: Math.log(0.125) })
    expect(open.app.getState().prompt).toBe(' w1 w2')
    await branches().use(branches().tree.lines()[1]!.nodes[0]!)
    expect(shown()).toEqual([1, 2, 3, 4, 5])
  })

  test('a fork inside the prompt leaves the prompt there; switching back brings it back', async () => {
    await branches().select(nodeAt(1))
    expect(open.asked).toEqual(['lens 0'])
    await branches().forkAt(nodeAt(1), 7)
    expect(open.log.promptIds).toEqual([1])
    expect(shown()).toEqual([1, 7])
    expect(open.app.getState().prompt).toBe(' w1')
    await branches().use(branches().tree.lines()[1]!.nodes[0]!)
    expect(open.log.promptIds).toEqual([1, 2])
    expect(open.app.getState().prompt).toBe(' w1 w2')
  })

  test('a token far down the list is measured', async () => {
    await branches().forkAt(nodeAt(3), 30)
    expect(open.asked).toEqual(['fork 3', 'lens 2'])
    expect(open.log.tokens[1]).toMatchObject({ id: 30, logprob: Math.log(0.125) })
  })

  test('typed text forks as however many tokens it takes, and continues from its end', async () => {
    await branches().edit(nodeAt(2), ' w8 w9')
    expect(shown()).toEqual([1, 2, 8, 9])
    expect(open.asked).toEqual(['fork 2', 'fork 3'])
    await branches().continueFrom(nodeAt(3))
    expect(shown()).toEqual([1, 2, 8, 9, 10, 11, 12])
    expect(branches().selected()?.id).toBe(12)
    await branches().continueFrom(nodeAt(2))
    expect(texts()).toEqual([
      [1, 2, 3, 4, 5],
      [1, 2, 8, 9, 10, 11, 12],
    ])
  })

  test('a prompt alone can be continued', async () => {
    await branches().continueFrom(nodeAt(0))
    expect(shown()).toEqual([1, 2, 3, 4])
    expect(open.log.promptIds).toEqual([1])
  })

  test('expanding adds children and changes no text', async () => {
    await branches().expand(nodeAt(4), 4)
    expect(open.asked).toEqual(['expand 5 4'])
    expect(nodeAt(4).children.map(({ id, logprob }) => [id, logprob])).toEqual(
      top(6)
        .slice(0, 4)
        .map(({ id, logprob }) => [id, logprob]),
    )
    expect(shown()).toEqual([1, 2, 3, 4, 5])
    await branches().forkAt(nodeAt(4).children[0]!, 7)
    expect(open.asked).toHaveLength(1)
    expect(shown()).toEqual([1, 2, 3, 4, 5, 7])
  })

  test('undoing an expansion whose child is on the page shows its parent', async () => {
    await branches().expand(nodeAt(4), 2)
    await branches().use(nodeAt(4).children[1]!)
    expect(shown()).toHaveLength(6)
    await historyOf(open.session).undo()
    expect(shown()).toEqual([1, 2, 3, 4, 5])
    expect(texts()).toEqual([[1, 2, 3, 4, 5]])
  })

  test('removing what is on the page shows what is left; undo brings both back', async () => {
    await branches().forkAt(nodeAt(3), 6)
    branches().remove(nodeAt(3))
    expect(texts()).toEqual([[1, 2, 3, 4, 5]])
    expect(shown()).toEqual([1, 2, 3, 4, 5])
    const history = historyOf(open.session)
    await history.undo()
    expect(texts()).toHaveLength(2)
    expect(shown()).toEqual([1, 2, 3, 6])
    await history.undo()
    expect(texts()).toEqual([[1, 2, 3, 4, 5]])
    expect(shown()).toEqual([1, 2, 3, 4, 5])
    await history.redo()
    expect(shown()).toEqual([1, 2, 3, 6])
    branches().remove(nodeAt(0))
    expect(texts()).toHaveLength(2)
  })

  test('a view that looks again follows the page, unless a token of another text is chosen', async () => {
    await branches().forkAt(nodeAt(3), 6)
    open.app.setState({ pinned: 0 })
    await branches().watch()
    expect(branches().selected()?.id).toBe(3)
    const other = branches().tree.lines()[1]!.nodes[1]!
    await branches().select(other)
    await branches().watch()
    expect(branches().selected()).toBe(other)
  })

  test('another text of the same model joins the tree', async () => {
    branches()
    open.app.setState({ prompt: ' w1 w5' })
    await open.session.generate()
    expect(texts()).toEqual([
      [1, 2, 3, 4, 5],
      [1, 5, 6, 7, 8],
    ])
  })

  test('numbers of other adapters are forgotten, and read again where they are wanted', async () => {
    await branches().watch()
    await branches().forkAt(nodeAt(3), 6)
    open.adapters.push({ id: 'a', scale: 1 })
    await branches().watch()
    const [, old] = branches().tree.lines()
    expect(old!.nodes[0]!.logprob).toBeNull()
    open.asked.length = 0
    await branches().use(old!.nodes[0]!)
    expect(open.asked).toEqual(['lens 2,3'])
    expect(old!.nodes[0]!.logprob).toBe(Math.log(0.125))
  })

  test('what was asked for last is what counts', async () => {
    const one = branches().forkAt(nodeAt(3), 6)
    const two = branches().forkAt(nodeAt(4), 8)
    await Promise.all([one, two])
    expect(shown()).toEqual([1, 2, 3, 4, 8])
    expect(texts()).toEqual([
      [1, 2, 3, 4, 5],
      [1, 2, 3, 4, 8],
    ])
    expect(branches().state.getState().phase.kind).toBe('idle')
  })

  test('what cannot be computed is said, and the text stays', async () => {
    open.model.fork = () => Promise.reject(new TokenscopeError('context-full', 'no room'))
    await branches().forkAt(nodeAt(3), 6)
    expect(branches().state.getState().phase).toMatchObject({
      kind: 'failed',
      error: { code: 'context-full', message: 'no room' },
    })
    expect(shown()).toEqual([1, 2, 3, 4, 5])
    expect(texts()).toEqual([[1, 2, 3, 4, 5]])
  })
})
