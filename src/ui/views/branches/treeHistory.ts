import { historyOf } from '../../../state/history.ts'
import type { Session } from '../../../state/session.ts'
import { leafOf, pathTo, type TokenTree, type TokenNode } from '../../../analysis/tokenTree.ts'

/** What undo and redo need of the tree's page. */
export interface TreePage {
  readonly session: Session
  readonly tree: TokenTree
  /** Tokens of the text on the page. */
  currentPath(): readonly TokenNode[]
  /** Puts a text on the page. */
  show(path: readonly TokenNode[]): void
  /** Tells of a changed tree in which this token is to be chosen; null leaves the choice, if it still stands. */
  changedTo(node: TokenNode | null): void
}

/** Records new branches. `shown` names the ends of the texts on the page before and after, where they differ. */
export function recordBranches(
  page: TreePage,
  label: 'branches.did.fork' | 'branches.did.expand',
  grown: readonly TokenNode[],
  shown: { previous: TokenNode | null; next: TokenNode } | null,
): void {
  const [first] = grown
  if (first === undefined) return
  let putBack: (() => void)[] = []
  historyOf(page.session).record(label, {
    undo: () => {
      const parent = page.currentPath().find((node) => grown.includes(node))?.parent
      const left = shown?.previous ?? parent
      if (left) page.show(pathTo(left))
      putBack = grown.map((node) => page.tree.detach(node))
      page.changedTo(shown?.previous ?? null)
    },
    redo: () => {
      for (const put of putBack.toReversed()) put()
      if (shown) page.show(pathTo(shown.next))
      page.changedTo(shown ? first : null)
    },
  })
}

/** Takes a branch off and records that. `shown`: the end of the text on the page, when that goes with it. */
export function removeBranch(page: TreePage, node: TokenNode, shown: TokenNode | null): void {
  const takeOff = (): (() => void) => {
    const left = whatIsLeft(node)
    if (shown !== null) page.show(pathTo(left))
    const putBack = page.tree.detach(node)
    page.changedTo(left)
    return putBack
  }
  let putBack = takeOff()
  historyOf(page.session).record('branches.did.remove', {
    undo: () => {
      putBack()
      if (shown !== null) page.show(pathTo(shown))
      page.changedTo(node)
    },
    redo: () => {
      putBack = takeOff()
    },
  })
}

/** Where the text goes on once a branch is gone: into a sibling, else it ends with the parent. */
function whatIsLeft(node: TokenNode): TokenNode {
  const { parent } = node
  const other = parent?.children.find((child) => child !== node)
  return other === undefined ? (parent ?? node) : leafOf(other)
}
