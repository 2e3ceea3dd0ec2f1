// node bench/plot.mjs RESULTS.jsonl: draws bench/results/*.svg, the plots of bench/README.md.
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { root, say } from '../scripts/run.mjs'

const WIDTH = 640
const BAR = 18
const LEFT = 200

/** Every plot: which lines it draws, what names a bar, how long it is, and a line to compare with. */
const PLOTS = [
  {
    file: 'matvec',
    title: 'Matvec, part of the fastest read kernel’s bandwidth',
    rows: (line) => line.name === 'matvec.bandwidth',
    label: (line) => line.format,
    value: (line) => line.ofFastestRead,
  },
  {
    file: 'matvec-time',
    title: 'Matvec, time beside f32',
    rows: (line) => line.name === 'matvec.bandwidth',
    label: (line) => line.format,
    value: (line) => line.timeOfF32,
  },
  {
    file: 'context',
    title: 'Decode through a layer of Llama-3.2-1B, cost beside context 64',
    rows: (line) => line.name === 'context.decode',
    label: (line) => `context ${line.context}`,
    value: (line) => line.ofContext64,
  },
  {
    file: 'model',
    title: 'tales-3m, decode, tokens per second',
    rows: (line) => line.name === 'model.decode',
    label: (line) => `${line.variant} ${line.format}`,
    value: (line) => line.value,
  },
  {
    file: 'peers',
    title: 'Decode beside other engines, tokens per second',
    rows: (line) => line.name === 'peer.decode',
    label: (line) => line.engine,
    value: (line) => line.value,
  },
]

/** @param {string} text */
const escape = (text) => text.replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c])

/** Horizontal bars from zero, the number written at the end of each. */
function bars(title, entries) {
  const longest = Math.max(...entries.map(({ value }) => value))
  const height = 40 + entries.length * (BAR + 8)
  const drawn = entries.map(({ label, value }, i) => {
    const y = 34 + i * (BAR + 8)
    const length = ((WIDTH - LEFT - 70) * value) / longest
    return `<text x="${LEFT - 8}" y="${y + 13}" text-anchor="end">${escape(label)}</text>
<rect x="${LEFT}" y="${y}" width="${length.toFixed(1)}" height="${BAR}" fill="#2f6f8f"/>
<text x="${(LEFT + length + 6).toFixed(1)}" y="${y + 13}">${Number(value.toPrecision(3))}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12" fill="#222">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="8" y="20" font-size="13">${escape(title)}</text>
${drawn.join('\n')}
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
for (const { file, title, rows, label, value } of PLOTS) {
  const entries = lines.filter(rows).map((line) => ({ label: label(line), value: value(line) }))
  if (entries.length === 0) continue
  writeFileSync(`${root}bench/results/${file}.svg`, bars(title, entries))
  say(`bench/results/${file}.svg`)
}
