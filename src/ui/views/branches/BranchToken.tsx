import { useState, type SyntheticEvent } from 'react'
import type { CandidateRow, CandidateTable } from '../../../analysis/candidates.ts'
import { pathTo, promptLength, type TokenNode } from '../../../analysis/tokenTree.ts'
import { Candidates } from '../../components/Candidates.tsx'
import { TokenFacts } from '../../components/TokenFacts.tsx'
import { useSession, useTokenLog, useTranslate } from '../../context.ts'
import { formatFixed, formatProbability } from '../../../maths/format.ts'
import { useAnswers, useBranches, useBranchesState, useChosen } from './hooks.ts'

/** The chosen token: what else could stand there, what may come behind it, and a field to write something else. */
export function BranchToken() {
  const t = useTranslate()
  const branches = useBranches()
  const node = useChosen()
  if (node === null) return <p className="panel-empty">{t('branches.noToken')}</p>
  const path = pathTo(node)
  const isFirst = node.parent === branches.tree.root
  return (
    <div className="logits branch-token" data-testid="branch-token" data-node-id={node.key}>
      <TokenFacts.Heading text={node.text} id={node.id} position={path.length - 1}>
        {node.prompt && <span className="tag">{t('branches.given')}</span>}
      </TokenFacts.Heading>
      {isFirst ? <p className="note">{t('branches.first')}</p> : <Facts node={node} />}
      {!isFirst && <Alternatives node={node} />}
      {!isFirst && <EditField key={node.key} node={node} />}
      {node.children.length === 0 && <Next node={node} />}
    </div>
  )
}

function Facts({ node }: { node: TokenNode }) {
  const t = useTranslate()
  const { logprob } = node
  const ifScored = (show: (logprob: number) => string): string =>
    logprob === null ? t('branches.notMeasured') : show(logprob)
  const facts: [string, string][] = [
    [t('logits.probability'), ifScored((value) => formatProbability(Math.exp(value)))],
    [t('logits.logprob'), ifScored((value) => formatFixed(value, 3))],
    [
      t('logits.surprisal'),
      ifScored((value) => t('logits.bits', { value: formatFixed(-value / Math.LN2, 2) })),
    ],
  ]
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className="numeric">{value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** What was predicted behind a token, and which of it came true. */
function tableOf(parent: TokenNode, chosen: TokenNode | null, vocab: number): CandidateTable | null {
  if (parent.next === null) return null
  const rows: CandidateRow[] = parent.next.map(({ id, text, logprob }) => ({
    id,
    text: text === '' ? null : text,
    probability: Math.exp(logprob),
    logprob,
    chosen: id === chosen?.id,
    excluded: false,
  }))
  if (chosen !== null && chosen.logprob !== null && !rows.some(({ id }) => id === chosen.id)) {
    const { id, text, logprob } = chosen
    rows.push({ id, text, logprob, probability: Math.exp(logprob), chosen: true, excluded: false })
  }
  const sum = rows.reduce((total, { probability }) => total + probability, 0)
  const rest = { count: vocab - rows.length, probability: Math.max(0, 1 - sum) }
  return { rows, rest, kept: vocab, entropyBits: null, chosenRank: null }
}

function Alternatives({ node }: { node: TokenNode }) {
  const t = useTranslate()
  const branches = useBranches()
  const showTree = useShowTree()
  const { parent } = node
  if (parent === null) return null
  return (
    <Table
      title={t('branches.alternatives')}
      hint={t('branches.alternativesHint')}
      parent={parent}
      chosen={node}
      onChoose={(id) => {
        showTree()
        void branches.forkAt(node, id)
      }}
    />
  )
}

function Next({ node }: { node: TokenNode }) {
  const t = useTranslate()
  const branches = useBranches()
  const showTree = useShowTree()
  if (node.next === null) return null
  return (
    <Table
      title={t('branches.next')}
      hint={t('branches.nextHint')}
      parent={node}
      chosen={null}
      onChoose={(id) => {
        showTree()
        void branches.grow(node, [id])
      }}
    />
  )
}

/** A page with room for one region shows what has come of a choice. */
function useShowTree(): () => void {
  const { app } = useSession()
  return () => app.setState({ narrow: 'view' })
}

interface TableProps {
  title: string
  hint: string
  parent: TokenNode
  chosen: TokenNode | null
  onChoose: (id: number) => void
}

function Table({ title, hint, parent, chosen, onChoose }: TableProps) {
  const t = useTranslate()
  const { model } = useSession()
  const log = useTokenLog()
  const answers = useAnswers()
  const working = useBranchesState((state) => state.phase.kind === 'working')
  const table = tableOf(parent, chosen, model?.info.vocab ?? 0)
  const path = pathTo(parent)
  return (
    <section className="branch-part">
      <h3 className="eyebrow">{title}</h3>
      {table === null ? (
        <p className="note">{t(working ? 'branches.working.measure' : 'branches.notMeasured')}</p>
      ) : (
        <>
          <p className="note">{hint}</p>
          <Candidates
            log={log}
            index={Math.max(0, path.length - promptLength(path))}
            table={table}
            onChoose={answers ? onChoose : undefined}
          />
        </>
      )}
    </section>
  )
}

function EditField({ node }: { node: TokenNode }) {
  const t = useTranslate()
  const branches = useBranches()
  const { model } = useSession()
  const answers = useAnswers()
  const showTree = useShowTree()
  const [text, setText] = useState(node.text)
  if (model !== null && !model.info.hasTokenizer) return null
  const onSubmit = (event: SyntheticEvent) => {
    event.preventDefault()
    showTree()
    void branches.edit(node, text)
  }
  return (
    <form className="branch-part" onSubmit={onSubmit}>
      <label className="eyebrow" htmlFor="branch-edit">
        {t('branches.edit')}
      </label>
      <span className="branch-edit">
        <input
          id="branch-edit"
          className="input"
          data-testid="branch-edit"
          aria-describedby="branch-edit-hint"
          autoComplete="off"
          spellCheck={false}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <button
          type="submit"
          className="button"
          data-testid="branch-edit-fork"
          disabled={!answers || text === '' || text === node.text}
        >
          {t('branches.fork')}
        </button>
      </span>
      <p className="note" id="branch-edit-hint">
        {t('branches.editHint')}
      </p>
    </form>
  )
}
