import { expect, test } from 'vitest'
import { badFile } from '../../src/formats/badFile.ts'
import { toErrorData } from '../../src/errors.ts'
import { refuseUnknown } from '../../src/state/unknownFiles.ts'
import { koreanError } from '../../src/ui/words/errors.ko.ts'

const say = (message: string, hint = '') => {
  const said = koreanError({ code: 'bad-file', message, hint, details: {} })
  return hint === '' ? said.message : `${said.message} ${said.hint}`
}

test('usual errors are said in Korean, values and names as they are', () => {
  const missing = badFile(
    'config.json',
    '',
    'missing in llama',
    'a file',
    'Choose the whole folder of the model.',
  )
  expect(koreanError(toErrorData(missing))).toMatchObject({
    message: 'llama에 config.json 파일이 없습니다.',
    hint: '모델 폴더 전체를 고르세요.',
  })
  expect(say('config.json: head_dim is 3, expected an even number.')).toBe(
    'config.json: head_dim: 3. 있어야 할 것: an even number.',
  )
  expect(say('The prompt has 914 tokens; this model was loaded for 512 positions.')).toBe(
    '프롬프트는 토큰 914개인데, 이 모델은 위치 512개로 불러왔습니다.',
  )
  expect(say('A thing that has no words yet.')).toBe('A thing that has no words yet.')
})

const file = (name: string, text: string) =>
  new File([Uint8Array.from(text, (letter) => letter.charCodeAt(0))], name)

test.each([
  ['fox.png', '\x89PNG\r\n', 'fox.png is a PNG picture,'],
  ['notes.pdf', '%PDF-1.7', 'notes.pdf is a PDF document,'],
  ['tokenizer.json', '{"model": {}}', 'tokenizer.json is a JSON file,'],
  ['tune.mid', 'MThd', 'tune.mid is a .mid file,'],
  ['README', 'hello', 'README is of an unknown format,'],
])('%s is refused by its format', async (name, text, message) => {
  await expect(refuseUnknown([file(name, text)])).rejects.toThrow(message)
})

test('files that a model may have are left to what loads it', async () => {
  await refuseUnknown([file('config.json', '{}')])
  await refuseUnknown([file('a.gguf', 'GGUF')])
})
