import { firstDifference, leafOf, pathTo, scoreOf, type TokenNode } from '../../../analysis/tokenTree.ts'
import { TokenText } from '../../components/TokenText.tsx'
import { useApp, useTranslate } from '../../context.ts'
import { probabilityLevel } from '../../draw/palette.ts'
import { formatCount, formatFixed, formatProbability } from '../../../maths/format.ts'
import { useBranches, useBranchesState, useChosen } from './hooks.ts'
import { useTokenName } from '../../components/useTokenName.ts'

/** Text A and the text through the chosen token, side by side from where they part. */
export function Comparison() {
  const t = useTranslate()
  const branches = useBranches()
  const kept = branches.tree.node(useBranchesState((state) => state.compared))
  const chosen = useChosen()
  useBranchesState((state) => state.version)
  if (kept === null || chosen === null) return null
  const a = pathTo(kept)
  const b = pathTo(leafOf(chosen))
  const parting = firstDifference(a, b)
  const isSame = parting === a.length && parting === b.length
  const isPrefix = parting === a.length || parting === b.length
  return (
    <section
      className="branch-compare"
      aria-label={t('branches.compareTitle')}
      data-testid="branch-comparison"
      data-first-difference={isPrefix ? undefined : parting}
    >
      <p className="note" role="status">
        {isSame
          ? t('branches.compareSame')
          : isPrefix
            ? t('branches.comparePrefix', { count: formatCount(parting) })
            : t('branches.compareFirst', { position: parting })}
      </p>
      {!isSame && (
        <>
          <Shared path={a.slice(0, parting)} />
          <div className="branch-sides">
            <Side letter="A" path={a} parting={parting} />
            <Side letter="B" path={b} parting={parting} />
          </div>
        </>
      )}
    </section>
  )
}

function Shared({ path }: { path: readonly TokenNode[] }) {
  const t = useTranslate()
  return (
    <p className="branch-shared">
      <span className="eyebrow">{t('branches.shared')}</span>{' '}
      {visibleBreaks(path.map(({ text }) => text).join(''))}
    </p>
  )
}

const visibleBreaks = (text: string): string => text.replace(/\s*\n\s*/g, ' ↵ ')

interface SideProps {
  letter: 'A' | 'B'
  path: readonly TokenNode[]
  parting: number
}

function Side({ letter, path, parting }: SideProps) {
  const t = useTranslate()
  const colouring = useApp((state) => state.colouring)
  const { tokens, logprob } = scoreOf(path)
  const nodes = path.slice(parting)
  const nats = (value: number | null): string =>
    value === null ? t('branches.notMeasured') : t('branches.nats', { value: formatFixed(value, 3) })
  return (
    <section
      className="branch-side"
      aria-label={t('branches.text', { side: letter })}
      data-testid={`branch-side-${letter.toLowerCase()}`}
      data-logprob={logprob ?? undefined}
    >
      <header className="branch-side-head">
        <span className="side-letter">{letter}</span>
        <dl className="branch-facts">
          <dt>{t('branches.tokens')}</dt>
          <dd className="numeric">{formatCount(tokens)}</dd>
          <dt>{t('branches.total')}</dt>
          <dd className="numeric">{nats(logprob)}</dd>
          <dt>{t('branches.mean')}</dt>
          <dd className="numeric">{nats(logprob === null || tokens === 0 ? null : logprob / tokens)}</dd>
        </dl>
      </header>
      <p className="branch-side-text" data-colour={colouring}>
        {nodes.map((node, i) => (
          <span
            key={node.key}
            className={`chip ${node.logprob === null ? '' : `p${probabilityLevel(node.logprob)}`}${i === 0 ? ' chip-parting' : ''}`}
          >
            <TokenText text={node.text} />
          </span>
        ))}
      </p>
      <Probabilities nodes={nodes} from={parting} />
    </section>
  )
}

/** Token by token, so that both sides' lines stand level. */
function Probabilities({ nodes, from }: { nodes: readonly TokenNode[]; from: number }) {
  const t = useTranslate()
  const nameToken = useTokenName()
  return (
    <table className="plain-table branch-table">
      <thead>
        <tr>
          <th scope="col">{t('branches.position')}</th>
          <th scope="col">{t('logits.token')}</th>
          <th scope="col">{t('branches.probability')}</th>
          <th scope="col">{t('logits.logprobShort')}</th>
        </tr>
      </thead>
      <tbody>
        {nodes.map((node, i) => (
          <tr key={node.key}>
            <td>{from + i}</td>
            <th scope="row">{nameToken(node.text, node.id)}</th>
            <td>{node.logprob === null ? '—' : formatProbability(Math.exp(node.logprob))}</td>
            <td>{node.logprob === null ? '—' : formatFixed(node.logprob, 3)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
