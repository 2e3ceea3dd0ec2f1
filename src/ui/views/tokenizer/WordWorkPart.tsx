import type { LatticeNode, Merge, WordWork } from '../../../text/inspect/types.ts'
import { formatCount } from '../../../maths/format.ts'
import { readablePiece } from './measures.ts'
import { visibleText } from '../../../state/characterGroups.ts'
import { useTranslate } from '../../context.ts'

interface WordWorkProps {
  word: string
  work: WordWork
  byteLevel: boolean
}

/** How one word became pieces. */
export function WordWorkPart({ word, work, byteLevel }: WordWorkProps) {
  const t = useTranslate()
  const title = t('tokenizer.work', { word: readablePiece(word, byteLevel) })
  return (
    <section
      className="tokenizer-work"
      aria-label={title}
      data-testid="tokenizer-work"
      data-kind={work.kind}
      tabIndex={0}
    >
      <h3 className="eyebrow">{title}</h3>
      <Work work={work} byteLevel={byteLevel} />
    </section>
  )
}

function Work({ work, byteLevel }: Omit<WordWorkProps, 'word'>) {
  const t = useTranslate()
  switch (work.kind) {
    case 'bpe':
      return <Merges symbols={work.symbols} merges={work.merges} byteLevel={byteLevel} />
    case 'unigram':
      return <Lattice characters={work.characters} nodes={work.nodes} score={work.score} />
    case 'whole':
    case 'lookup':
    case 'long':
      return <p className="note">{t(`tokenizer.work.${work.kind}`)}</p>
  }
}

interface SymbolsProps {
  symbols: readonly string[]
  merged: number
  byteLevel: boolean
}

function Symbols({ symbols, merged, byteLevel }: SymbolsProps) {
  return (
    <span className="tokenizer-symbols">
      {symbols.map((symbol, at) => (
        <span key={at} className={at === merged ? 'tokenizer-symbol tokenizer-merged' : 'tokenizer-symbol'}>
          {readablePiece(symbol, byteLevel)}
        </span>
      ))}
    </span>
  )
}

interface MergesProps {
  symbols: readonly string[]
  merges: readonly Merge[]
  byteLevel: boolean
}

/** The symbols at first, then after every merge, with the merge's place in the list. */
function Merges({ symbols, merges, byteLevel }: MergesProps) {
  const t = useTranslate()
  return (
    <table className="tokenizer-merges">
      <thead>
        <tr>
          <th scope="col">{t('tokenizer.rank')}</th>
          <th scope="col">{t('tokenizer.merge')}</th>
          <th scope="col">{t('tokenizer.symbols')}</th>
        </tr>
      </thead>
      <tbody>
        <tr>
          <td>–</td>
          <td className="note">{t('tokenizer.start')}</td>
          <td>
            <Symbols symbols={symbols} merged={-1} byteLevel={byteLevel} />
          </td>
        </tr>
        {merges.map(({ rank, left, right, at, symbols: after }, index) => (
          <tr key={index}>
            <td className="numeric">{formatCount(rank)}</td>
            <td>
              {readablePiece(left, byteLevel)} + {readablePiece(right, byteLevel)}
            </td>
            <td>
              <Symbols symbols={after} merged={at} byteLevel={byteLevel} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

interface LatticeProps {
  characters: readonly string[]
  nodes: readonly LatticeNode[]
  score: number
}

/** Every piece that fits somewhere, below the characters it covers; the path that was taken is inked. */
function Lattice({ characters, nodes, score }: LatticeProps) {
  const t = useTranslate()
  const columns = { gridTemplateColumns: `repeat(${characters.length}, minmax(52px, 1fr))` }
  const ordered = [...nodes].sort(
    (a, b) => Number(b.chosen) - Number(a.chosen) || a.start - b.start || a.length - b.length,
  )
  return (
    <>
      <p className="note numeric">
        {t('tokenizer.lattice', { score: `${score < 0 ? '−' : ''}${Math.abs(score).toFixed(3)}` })}
      </p>
      <div
        className="tokenizer-lattice"
        role="table"
        tabIndex={0}
        aria-label={t('tokenizer.latticeLabel')}
        style={columns}
      >
        <div role="row" className="tokenizer-row">
          {characters.map((character, at) => (
            <span
              key={at}
              role="columnheader"
              className="tokenizer-character"
              style={{ gridColumn: at + 1, gridRow: 1 }}
            >
              {visibleText(character)}
            </span>
          ))}
        </div>
        {ordered.map((node, at) => (
          <div key={at} role="row" className="tokenizer-row">
            <span
              role="cell"
              className={node.chosen ? 'tokenizer-node one-line tokenizer-chosen' : 'tokenizer-node one-line'}
              style={{
                gridColumn: `${node.start + 1} / span ${node.length}`,
                gridRow: rowOf(ordered, at) + 2,
              }}
              title={`${node.piece} · ${node.id ?? '?'}`}
            >
              {visibleText(node.piece)} <span className="numeric">{node.score.toFixed(2)}</span>
            </span>
          </div>
        ))}
      </div>
    </>
  )
}

/** The first row where a node hits none of those before it. */
function rowOf(nodes: readonly LatticeNode[], at: number): number {
  const rows: LatticeNode[][] = []
  for (const node of nodes.slice(0, at + 1)) {
    const free = rows.findIndex((row) =>
      row.every(
        (other) => other.start + other.length <= node.start || node.start + node.length <= other.start,
      ),
    )
    const row = free < 0 ? rows.length : free
    rows[row] = [...(rows[row] ?? []), node]
    if (node === nodes[at]) return row
  }
  return 0
}
