import { useEffect, useMemo } from 'react'
import { branchesOf } from './store.ts'
import type { TreeLine, TokenNode } from '../../../analysis/tokenTree.ts'
import { answeringModel } from '../../../state/app.ts'
import { hooksOf, useApp } from '../../context.ts'

export const [useBranches, useBranchesState] = hooksOf(branchesOf)

export function useWatchedBranches(): void {
  const branches = useBranches()
  useEffect(() => void branches.watch(), [branches])
}

/** The lines of the tree, made anew when it has changed. */
export function useLines(): readonly TreeLine[] {
  const branches = useBranches()
  const version = useBranchesState((state) => state.version)
  const { tree } = branches
  // The tree is changed in place: its version stands for its content.
  return useMemo(() => (version < 0 ? [] : tree.lines()), [tree, version])
}

/** The chosen token. */
export function useChosen(): TokenNode | null {
  const branches = useBranches()
  useBranchesState((state) => state.version)
  return branches.tree.node(useBranchesState((state) => state.selected))
}

/** True while the model that wrote the tree answers. */
export function useAnswers(): boolean {
  const branches = useBranches()
  useBranchesState((state) => state.version)
  return useApp((state) => answeringModel(state.model)?.id ?? null) === branches.tree.modelId
}
