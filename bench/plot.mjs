// node bench/plot.mjs RESULTS.jsonl …: draws bench/results/*.svg, the plots of bench/README.md.
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { root, say } from '../scripts/run.mjs'

const WIDTH = 720
const BAR = 16
const STEP = BAR + 6
const LEFT = 250

/**
 * Every plot: which lines it draws, what names a bar, how long it is, and where a bar is to be compared with something, that value.
 */
const PLOTS = [
  {
    file: 'matvec',
    title: 'Matrix × vector, part of the fastest read kernel’s bandwidth (bar for f32: 0.5)',
    rows: (line) => line.name === 'matvec.bandwidth',
    label: (line) => line.format,
    value: (line) => line.ofFastestRead,
  },
  {
    file: 'matvec-time',
    title: 'Matrix × vector, time beside f32 (bar for f16 and q8_0: 1)',
    rows: (line) => line.name === 'matvec.bandwidth',
    label: (line) => line.format,
    value: (line) => line.timeOfF32,
    mark: 1,
  },
  {
    file: 'context',
    title: 'Decode through a layer of Llama-3.2-1B, time beside context 64 (bar at 2048: 1.3)',
    rows: (line) => line.name === 'context.decode',
    label: (line) => `context ${line.context}`,
    value: (line) => line.ofContext64,
    mark: 1.3,
  },
  {
    file: 'layers',
    title: 'Decode, one row, least milliseconds of a layer',
    rows: (line) => line.name === 'layer.decode' && line.rows === 1,
    label: (line) => `${line.shape} ${line.format}`,
    value: (line) => line.least,
  },
  {
    file: 'rows',
    title: 'Eight rows at once, time beside one row (bar: 4)',
    rows: (line) => line.name === 'layer.decode' && line.rows === 8,
    label: (line) => `${line.shape} ${line.format}`,
    value: (line) => line.ofOneRow,
    mark: 4,
  },
  {
    file: 'prefill',
    title: 'Prompt of 128 and 1024 tokens, tokens per second of the whole decoder without head',
    rows: (line) => line.name === 'layer.prefill' && (line.rows === 128 || line.rows === 1024),
    label: (line) => `${line.shape} ${line.format} × ${line.rows}`,
    value: (line) => line.tokensPerSecond,
  },
  {
    file: 'adapters',
    title: 'One adapter of rank 8 on every linear: decode beside the base (bars: 1.15, bundled model 1.35)',
    rows: (line) => /^adapters\..*decode$/.test(line.name) && line.adapterKind !== 'base',
    label: (line) => `${line.shape} ${line.format} ${line.adapterKind}`,
    value: (line) => line.ofBase,
    mark: 1.15,
  },
  {
    file: 'model',
    title: 'tales-3m, decode, tokens per second (best of the rounds)',
    rows: (line) => line.name === 'model.decode',
    label: (line) => line.format,
    value: (line) => line.best,
  },
  {
    file: 'peers-decode',
    title: 'Decode beside other engines, tokens per second (best of the rounds)',
    rows: (line) => line.name === 'peer.decode',
    label: (line) => line.engine,
    value: (line) => line.best,
  },
  {
    file: 'peers-prefill',
    title: 'Prompt of 64 tokens beside other engines, tokens per second (best of the rounds)',
    rows: (line) => line.name === 'peer.prefill',
    label: (line) => line.engine,
    value: (line) => line.best,
  },
]

/** @param {string} text */
const escape = (text) => text.replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c])

/** Horizontal bars from zero, the number written at the end of each; a thin line at what they are compared with. */
function bars(title, entries, mark) {
  const longest = Math.max(mark ?? 0, ...entries.map(({ value }) => value))
  const scale = (WIDTH - LEFT - 80) / longest
  const height = 44 + entries.length * STEP
  const drawn = entries.map(({ label, value }, i) => {
    const y = 34 + i * STEP
    const length = scale * value
    return `<text x="${LEFT - 8}" y="${y + 12}" text-anchor="end">${escape(label)}</text>
<rect x="${LEFT}" y="${y}" width="${length.toFixed(1)}" height="${BAR}" fill="#2f6f8f"/>
<text x="${(LEFT + length + 6).toFixed(1)}" y="${y + 12}">${Number(value.toPrecision(3))}</text>`
  })
  const at = mark === undefined ? null : (LEFT + scale * mark).toFixed(1)
  const line = at ? `\n<path d="M${at} 28V${height - 10}" stroke="#b0413e" stroke-dasharray="3 3"/>` : ''
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12" fill="#222" role="img" aria-label="${escape(title)}">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="8" y="20" font-size="13">${escape(title)}</text>
${drawn.join('\n')}${line}
</svg>
`
}

const { positionals } = parseArgs({ allowPositionals: true })
const lines = positionals.flatMap((file) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line)),
)
for (const { file, title, rows, label, value, mark } of PLOTS) {
  const entries = lines.filter(rows).map((line) => ({ label: label(line), value: value(line) }))
  if (entries.length === 0) continue
  writeFileSync(`${root}bench/results/${file}.svg`, bars(title, entries, mark))
  say(`bench/results/${file}.svg`)
}
