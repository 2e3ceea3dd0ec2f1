import { expect, test } from 'vitest'
import type { ChatMessage } from '../../../src/api/model.ts'
import {
  encodeRecords,
  tripletLayout,
  type EncodingModel,
} from '../../../src/ui/views/train/store/encodeRecords.ts'
import { parseData, type ParsedData } from '../../../src/ui/views/train/store/parseData.ts'
import { pairOf, type EncodedPreference } from '../../../src/ui/views/train/store/preferences.ts'
import type { TrainRecord } from '../../../src/ui/views/train/store/records.ts'
import { lengthsOf, splitExamples } from '../../../src/ui/views/train/store/split.ts'

const user = (content: string) => ({ role: 'user', content })
const says = (content: string) => ({ role: 'assistant', content })
const pair = (prompt: string, completion: string): TrainRecord => ({ kind: 'pair', prompt, completion })

interface Case {
  text: string
  name?: string
  format: ParsedData['format']
  records: readonly (readonly [line: number, record: TrainRecord])[]
  bad?: readonly (readonly [line: number, kind: string])[]
  columns?: readonly string[]
}

const CASES: Readonly<Record<string, Case>> = {
  'JSON lines, some of them broken': {
    text: '{"prompt":"a","completion":"b"}\n\n{"prompt":"a"\n{"prompt":"c","completion":"d\\n"}\n[1]\n{"x":1}\n',
    format: 'jsonl',
    records: [
      [1, pair('a', 'b')],
      [4, pair('c', 'd\n')],
    ],
    bad: [
      [3, 'json'],
      [5, 'json'],
      [6, 'columns'],
    ],
    columns: ['prompt', 'completion'],
  },
  'values that are no texts, and empty ones': {
    text: '{"prompt":1,"completion":"b"}\n{"prompt":"","completion":"b"}\n{"prompt":"a","completion":" "}',
    format: 'jsonl',
    records: [[2, pair('', 'b')]],
    bad: [
      [1, 'type'],
      [3, 'empty'],
    ],
  },
  'a table with quotes, line ends within them and a short row': {
    text: 'instruction,input,output\r\n"Say ""hi""",,hi\r\n"two\nlines",x,"y, z"\r\nonly,two\r\n',
    format: 'csv',
    records: [
      [2, { kind: 'triplet', instruction: 'Say "hi"', input: '', output: 'hi' }],
      [3, { kind: 'triplet', instruction: 'two\nlines', input: 'x', output: 'y, z' }],
    ],
    bad: [[5, 'cells']],
    columns: ['instruction', 'input', 'output'],
  },
  'preferences, as lines and with an answer that is missing': {
    text: '{"prompt":"a","chosen":"b","rejected":"c"}\n{"prompt":"a","chosen":"b","rejected":""}\n{"prompt":"","chosen":"b","rejected":"c"}',
    format: 'jsonl',
    records: [[1, { kind: 'preference', prompt: 'a', chosen: 'b', rejected: 'c' }]],
    bad: [
      [2, 'empty'],
      [3, 'empty'],
    ],
    columns: ['prompt', 'chosen', 'rejected'],
  },
  'preferences between chats: a prompt with answers, whole chats, an answer as a text; and what is none': {
    text: [
      { prompt: [user('q')], chosen: [says('b')], rejected: [says('c')] },
      { chosen: [user('q'), says('b')], rejected: [user('q'), says('c')] },
      // As many sets have it: the prompt once more as a text beside chats that hold it.
      { prompt: 'q', chosen: [user('q'), says('b')], rejected: [user('q'), says('c')] },
      { prompt: [user('q')], chosen: 'b', rejected: 'c' },
      { prompt: [user('q')], chosen: [says('b')], rejected: [says('b')] },
      { prompt: [user('q')], chosen: [user('b')], rejected: [user('c')] },
      { chosen: [says('b')], rejected: [says('c')] },
      { prompt: [user('q')], chosen: [says(' ')], rejected: [says('c')] },
      { prompt: [user('q')], chosen: 'b', rejected: 7 },
      { chosen: 'b', rejected: 'c' },
    ]
      .map((line) => JSON.stringify(line))
      .join('\n'),
    format: 'jsonl',
    records: [1, 2, 3, 4].map((line) => [
      line,
      { kind: 'chats', asked: [user('q')], chosen: [says('b')], rejected: [says('c')] },
    ]),
    bad: [
      [5, 'chats'],
      [6, 'chats'],
      [7, 'chats'],
      [8, 'chats'],
      [9, 'chats'],
      [10, 'columns'],
    ],
  },
  'preferences as a table': {
    text: 'question,rejected,chosen\na,c,b\n',
    format: 'csv',
    records: [[2, { kind: 'preference', prompt: 'a', chosen: 'b', rejected: 'c' }]],
    columns: ['question', 'chosen', 'rejected'],
  },
  'a quote that never closes names its line': {
    text: 'prompt,completion\na,b\nc,"d\ne,f\n',
    format: 'csv',
    records: [[2, pair('a', 'b')]],
    bad: [[3, 'quote']],
  },
  'tabs, other names and a byte order mark': {
    text: '\uFEFFQuestion\tAnswer\nq\ta\n',
    format: 'csv',
    records: [[2, pair('q', 'a')]],
    columns: ['Question', 'Answer'],
  },
  'a table without a column we know': {
    text: 'a,b\n1,2\n',
    name: 'x.csv',
    format: 'csv',
    records: [],
    bad: [[1, 'columns']],
  },
  'a list of chats, in both spellings': {
    text: '[{"messages":[{"role":"user","content":"u"},{"role":"assistant","content":"a"}]},{"conversations":[{"from":"human","value":"u"}]}]',
    format: 'json',
    records: [
      [
        1,
        {
          kind: 'messages',
          messages: [
            { role: 'user', content: 'u' },
            { role: 'assistant', content: 'a' },
          ],
        },
      ],
    ],
    bad: [[2, 'messages']],
  },
  'prose: an example a paragraph': {
    text: '\nOnce, a fox\nran.\n\n\nHe slept.',
    format: 'text',
    records: [
      [2, { kind: 'text', text: 'Once, a fox\nran.' }],
      [6, { kind: 'text', text: 'He slept.' }],
    ],
  },
}

test.each(Object.entries(CASES))('%s', (_, { text, name, format, records, bad = [], columns }) => {
  const parsed = parseData(text, name)
  expect(parsed.format).toBe(format)
  expect(parsed.records.map(({ line, record }) => [line, record])).toEqual(records)
  expect(parsed.bad.map(({ line, problem }) => [line, problem.kind])).toEqual(bad)
  if (columns) expect(parsed.columns).toEqual(columns)
})

const END = 0
const BEGIN = 1
/** Marks that are one token each; all else is a token a character. */
const MARKS = ['<|instruction|>', '<|input|>', '<|label|>', '<u>', '<a>']

/** A model that spells: a token for each character, `ab` as one wherever it stands. */
function speller({ chat = false, marks = MARKS } = {}): EncodingModel {
  const encode = (text: string, { addSpecialTokens = true } = {}): Promise<number[]> => {
    const pieces = text.match(
      new RegExp([...marks.map((mark) => mark.replace(/\|/g, '\\|')), 'ab', '[^]'].join('|'), 'g'),
    )
    const ids = (pieces ?? []).map((piece) => {
      const mark = marks.indexOf(piece)
      return mark >= 0 ? 2 + mark : piece === 'ab' ? 7 : piece.codePointAt(0)!
    })
    return Promise.resolve(addSpecialTokens ? [BEGIN, ...ids] : ids)
  }
  const applyChatTemplate = (messages: readonly ChatMessage[], { addGenerationPrompt = true } = {}) =>
    Promise.resolve(
      messages.map(({ role, content }) => `<${role[0]}>${content as string}`).join('') +
        (addGenerationPrompt ? '<a>' : ''),
    )
  const info = { eosIds: [END], hasChatTemplate: chat } as unknown as EncodingModel['info']
  return { encode, applyChatTemplate, info }
}

/** Ids as letters, those that count in capitals. */
const shown = ({ ids, mask }: { ids: readonly number[]; mask: readonly number[] }): string =>
  ids
    .map((id, at) => {
      const sign = id === 7 ? '*' : (['.', '^'][id] ?? (id < 7 ? '|' : String.fromCodePoint(id)))
      return mask[at] === 1 ? (sign === '.' ? '!' : sign.toUpperCase()) : sign
    })
    .join('')

const encoded = async (record: TrainRecord, model = speller(), longest = 100) => {
  const layout = await tripletLayout(model)
  const { examples, bad } = await encodeRecords(model, [{ line: 1, record }], { longest, layout })
  return [...examples.map(shown), ...bad.map(({ problem }) => problem.kind)]
}

test('what is learned is masked in, and ends; a prompt keeps the ids it has alone', async () => {
  expect(await encoded(pair('xy', 'zw'))).toEqual(['^xyZW!'])
  // Together `ab` would be one token, which no prompt ends in.
  expect(await encoded(pair('xa', 'by'))).toEqual(['^xaBY!'])
  expect(await encoded({ kind: 'text', text: 'xyz' })).toEqual(['^XYZ!'])
  const triplet: TrainRecord = { kind: 'triplet', instruction: 'i', input: 'n', output: 'o' }
  expect(await encoded(triplet)).toEqual(['^| i| n| O!'])
  expect(await encoded({ ...triplet, input: '' })).toEqual(['^| i| O!'])
  expect(await encoded(triplet, speller({ chat: true, marks: ['<u>', '<a>'] }))).toEqual(['|i\n\nn|O'])
  const plain = await encoded(triplet, speller({ marks: [] }))
  expect(plain).toEqual(['^### Instruction:\ni\n\n### Input:\nn\n\n### Response:\nO!'])
})

test('chats: every answer counts, and nothing else', async () => {
  const messages = [
    { role: 'user', content: 'q' },
    { role: 'assistant', content: 'r' },
    { role: 'user', content: 's' },
    { role: 'assistant', content: 't' },
  ]
  expect(await encoded({ kind: 'messages', messages })).toEqual(['|q|R|s|T'])
})

test('preferences between chats: both answers stand behind the prompt as the template writes it', async () => {
  const record: TrainRecord = {
    kind: 'chats',
    asked: [user('q'), says('r'), user('s')],
    chosen: [says('t')],
    rejected: [says('v'), user('w'), says('x')],
  }
  const { examples, bad } = await encodeRecords(speller(), [{ line: 1, record }], {
    longest: 100,
    layout: 'plain',
  })
  expect(bad).toEqual([])
  const [example] = examples
  expect([example!, example!.rejected!].map(shown)).toEqual(['|q|r|s|T', '|q|r|s|V|W|X'])
  expect(pairOf(example as EncodedPreference)).toMatchObject({ chosen: [116] })
  expect(example).toMatchObject({ prompt: '<u>q<a>r<u>s<a>', answer: null })
})

test('what is too long is cut and said; prose goes on in the next example', async () => {
  const { examples } = await encodeRecords(speller(), [{ line: 3, record: pair('xy', 'zwv') }], {
    longest: 5,
    layout: 'plain',
  })
  expect(examples.map(({ cut, line }) => [cut, line])).toEqual([[2, 3]])
  expect(lengthsOf(examples)).toMatchObject({ cut: 1, lost: 2, counted: 2, longest: 5 })
  expect(await encoded(pair('xyzw', 'v'), speller(), 4)).toEqual(['long'])
  const pieces = await encoded({ kind: 'text', text: 'uvwxyz' }, speller(), 4)
  expect(pieces).toEqual(['^UVW', 'wXYZ', 'z!'])
})

test('a split is a matter of its seed, loses nothing, and leaves something to learn from', () => {
  const { train, held } = splitExamples(10, 3, 7)
  expect(held).toHaveLength(3)
  expect([...train, ...held].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(splitExamples(10, 3, 7)).toEqual({ train, held })
  expect(splitExamples(10, 3, 8).held).not.toEqual(held)
  expect(splitExamples(2, 5, 1).train).toHaveLength(1)
  expect(splitExamples(4, 2, null)).toEqual({ train: [0, 1], held: [2, 3] })
})
