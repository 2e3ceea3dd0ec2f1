import type { GeneratedToken, Model, TokenAlternative } from '../api/model.ts'
import { idsOf, pathTo, type TokenTree, type TokenNode, type TreeToken } from './tokenTree.ts'
import { textInContext } from '../text/tokenTexts.ts'

/** A token computed for the tree, and what is predicted behind it. */
export interface ComputedToken {
  token: TreeToken
  next: readonly TokenAlternative[]
  /** All text before it was read again. */
  readAgain?: boolean | undefined
}

/** Text a token adds behind others; empty when no tokenizer answers. */
const textOf = (model: Model, contextIds: readonly number[], id: number): Promise<string> =>
  model.info.hasTokenizer ? textInContext(model, contextIds, id) : Promise.resolve('')

const CHOSEN = { prompt: false, random: null, finish: null } as const

/**
 * Tokens behind a text that the tree does not have yet, each as one new row over the pages of the text before it. Null once
 * they are no longer wanted.
 */
export async function computeBranch(
  model: Model,
  parent: TokenNode,
  ids: readonly number[],
  topLogprobs: number,
  isWanted: () => boolean,
): Promise<ComputedToken[] | null> {
  const computed: ComputedToken[] = []
  const contextIds = idsOf(pathTo(parent))
  let { next } = parent
  for (const id of ids) {
    const [fork, text] = await Promise.all([
      model.fork(contextIds, contextIds.length, id, { topLogprobs }),
      textOf(model, contextIds, id),
    ])
    if (!isWanted()) return null
    const logprob = next?.find((token) => token.id === id)?.logprob ?? null
    computed.push({ token: { id, text, logprob, ...CHOSEN }, next: fork.next.top })
    contextIds.push(id)
    next = fork.next.top
  }
  return computed
}

/** The most probable tokens behind a text, in one batch. */
export async function computeChildren(
  model: Model,
  parent: TokenNode,
  count: number,
  topLogprobs: number,
): Promise<ComputedToken[]> {
  const contextIds = idsOf(pathTo(parent))
  const children = await model.expand(contextIds, count, { topLogprobs })
  return Promise.all(
    children.map(async ({ token: { id, logprob }, next, readAgain }) => {
      const text = await textOf(model, contextIds, id)
      return { token: { id, text, logprob, ...CHOSEN }, next: next.top, readAgain }
    }),
  )
}

/** Puts a computed token into the tree. */
export function insertToken(tree: TokenTree, parent: TokenNode, { token, next }: ComputedToken): TokenNode {
  const node = tree.add(parent, token)
  node.next ??= next
  return node
}

/** A text to put into a tree: a prompt, and what was generated behind it. */
export interface WrittenText {
  readonly promptIds: readonly number[]
  readonly promptTexts: readonly string[]
  readonly tokens: readonly Pick<GeneratedToken, 'id' | 'text' | 'logprob' | 'top' | 'random' | 'finish'>[]
}

/** Takes a text into the tree, with up to `top` alternatives of each token. Gives its last token. */
export function insertText(tree: TokenTree, log: WrittenText, top: number): TokenNode {
  let at = tree.root
  log.promptIds.forEach((id, row) => {
    const text = log.promptTexts[row] ?? ''
    at = tree.add(at, { id, text, logprob: null, prompt: true, random: null, finish: null })
  })
  for (const token of log.tokens) {
    const { id, text, logprob, random, finish } = token
    if (token.top.length > 0 && (at.next?.length ?? 0) < top) at.next = token.top.slice(0, top)
    at = tree.add(at, { id, text, logprob, prompt: false, random, finish })
  }
  return at
}
