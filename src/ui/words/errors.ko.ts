import type { ErrorData } from '../../errors.ts'
import { ENGINE_HINTS, ENGINE_MESSAGES } from '../views/elsewhere/errors.ko.ts'
import { fillKorean } from './particles.ts'

export type Said = readonly [pattern: RegExp, korean: string]

/** What the page says most often when something fails. Names, values and file formats stay as they are. */
const MESSAGES: readonly Said[] = [
  ...ENGINE_MESSAGES,
  [/^(?<file>.+) is missing in (?<folder>.+), expected a file\.$/, '{folder}에 {file} 파일이 없습니다.'],
  [/^(?<where>.+) is (?<got>.+), expected (?<expected>.+)\.$/, '{where}: {got}. 있어야 할 것: {expected}.'],
  [
    /^(?<where>.+) holds no checkpoint, expected (?<expected>.+)\.$/,
    '{where}에 가중치가 없습니다. 있어야 할 것: {expected}.',
  ],
  [/^(?<where>.+) has no tokenizer\.$/, '{where}에 토크나이저가 없습니다.'],
  [/^(?<where>.+) is no JSON\.$/, '{where}은(는) JSON이 아닙니다.'],
  [
    /^It was dropped as files, which/,
    '파일로 끌어다 놓은 모델은 다시 불러오면 남지 않습니다. 글은 그대로 있습니다.',
  ],
  [
    /^The link was made with adapters it cannot carry: (?<names>.+)\.$/,
    '링크에 담을 수 없는 어댑터로 만든 링크입니다: {names}.',
  ],
  [/^No files were given\.$/, '파일이 없습니다.'],
  [
    /^The prompt has (?<tokens>\d+) tokens; this model was loaded for (?<context>\d+) positions\.$/,
    '프롬프트는 토큰 {tokens}개인데, 이 모델은 위치 {context}개로 불러왔습니다.',
  ],
  [/^The prompt is empty\.$/, '프롬프트가 비어 있습니다.'],
  [/^“(?<word>.*)” is not a token id\.$/, '“{word}”은(는) 토큰 id가 아닙니다.'],
  [/^WebGPU found no usable GPU adapter\.$/, 'WebGPU가 쓸 수 있는 GPU를 찾지 못했습니다.'],
  [/^This environment has no WebGPU\.$/, '이 환경에는 WebGPU가 없습니다.'],
  [/^The GPU device was lost\.$/, 'GPU 장치와의 연결이 끊겼습니다.'],
  [/^The GPU has not enough memory for this (?<what>draft )?model\.$/, 'GPU 메모리가 이 모델에 모자랍니다.'],
  [
    /^(?<count>\d+) adapters are loaded, which is the most\.$/,
    '어댑터 {count}개를 불러왔고, 더는 불러올 수 없습니다.',
  ],
  [
    /^Option (?<field>.+) is (?<value>.+); allowed is (?<allowed>.+)\.$/,
    '{field} 값이 {value}입니다. 허용: {allowed}.',
  ],
  [
    /^contextLength is (?<asked>.+); this model allows (?<allowed>.+)\.$/,
    'contextLength가 {asked}입니다. 이 모델의 허용 범위: {allowed}.',
  ],
  [
    /^The adapters "(?<one>.+)" and "(?<other>.+)" both change (?<step>.+), and one of them replaces all of it\.$/,
    '{one} 어댑터와 {other} 어댑터가 모두 {step}을(를) 바꾸는데, 그중 하나는 통째로 교체합니다.',
  ],
  [
    /^Trained on '(?<named>.+)', loaded is '(?<loaded>.+)': the shapes fit/,
    '{named}에서 학습했는데 지금 모델은 {loaded}입니다. 형태는 맞지만 효과는 다를 수 있습니다.',
  ],
  [
    /^The config's (?<entry>.+) names nothing in this model\.$/,
    '설정의 {entry}에 맞는 것이 이 모델에 없습니다. 나머지는 적용됩니다.',
  ],
  [
    /^(?<file>\S+) has a field “(?<field>.+)”, which is no setting/,
    '{file}의 {field} 항목은 PEFT의 설정이 아니어서 지나쳤습니다.',
  ],
  [
    /^The tensor names hold the adapter’s own name “(?<name>.+)”/,
    '텐서 이름에 어댑터 이름 {name}이(가) 들어 있어 빼고 읽었습니다.',
  ],
  [
    /^Written by mlx-lm:/,
    'mlx-lm이 저장한 어댑터입니다. A와 B를 PEFT의 형태로 돌려 읽었고, scale은 α/랭크로 나타냅니다.',
  ],
  [/^The adapter changes nothing/, '이 어댑터는 아무것도 바꾸지 않습니다. 학습 전처럼 모든 변화가 0입니다.'],
  [
    /^This adapter changes nothing/,
    '이 어댑터는 아무것도 바꾸지 않습니다. 학습되지 않았거나 다른 모델용입니다.',
  ],
  [/^The list of models could not be read\.$/, '모델 목록을 읽지 못했습니다.'],
  [/^The list of models answered (?<status>\d+)\.$/, '모델 목록 요청에 서버가 {status}(으)로 답했습니다.'],
  [/^(?<what>.+): (?<host>\S+) could not be reached\.$/, '{host}에 연결하지 못했습니다({what}).'],
  [
    /^(?<what>.+): reading (?<file>.+) failed: (?<reason>.+)\.$/,
    '{what}: {file} 파일을 읽지 못했습니다({reason}).',
  ],
  [
    /^(?<what>.+): reading (?<file>.+) failed at byte (?<at>\d+): (?<reason>.+)\.$/,
    '{what}: {file} 파일을 {at}바이트에서 더 읽지 못했습니다({reason}).',
  ],
  [/^(?<url>\S+) answered with (?<what>.+)\.$/, '{url}의 응답: {what}.'],
  [
    /^This page has not been allowed to ask (?<origin>\S+) yet\.$/,
    '이 페이지는 아직 {origin}에 접속하도록 허용되지 않았습니다.',
  ],
  [
    /^Not captured: the model of this (?:text|comparison) is (?:not loaded|gone)\.$/,
    '기록 안 됨: 이 글을 쓴 모델을 불러오지 않았습니다.',
  ],
  [/^This model was loaded without a tokenizer\.$/, '이 모델은 토크나이저 없이 불러왔습니다.'],
  [
    /^The link’s (?<names>.+) could not be read as a number\.$/,
    '링크의 {names} 값을 숫자로 읽지 못했습니다.',
  ],
]

const HINTS: readonly Said[] = [
  ...ENGINE_HINTS,
  [/^Choose the whole folder of the model\.$/, '모델 폴더 전체를 고르세요.'],
  [
    /^Choose the folder that holds config\.json and the weights\.$/,
    'config.json과 가중치가 있는 폴더를 고르세요.',
  ],
  [
    /^The file is damaged or was cut off; fetch it again\.$/,
    '파일이 손상되었거나 잘렸습니다. 다시 받으세요.',
  ],
  [
    /^(?<file>\S+) is a Python pickle, which is never read: convert it to safetensors\.$/,
    '{file}은(는) 코드를 실행할 수 있는 파이썬 피클이라 읽지 않습니다. safetensors로 바꾸세요.',
  ],
  [
    /never read; convert it to safetensors\.$/,
    '피클은 코드를 실행할 수 있어 읽지 않습니다. safetensors로 바꾸세요.',
  ],
  [/^Only a pointer was cloned/, '포인터만 받았습니다. `git lfs pull`을 실행하거나 파일 자체를 받으세요.'],
  [
    /^The server answered with a page/,
    '서버가 파일 대신 웹 페이지를 보냈습니다. 주소가 맞는지, 로그인이 필요한지 확인하세요.',
  ],
  [/^Convert it to safetensors first\.$/, '먼저 safetensors로 바꾸세요.'],
  [/^Unpack it first\.$/, '먼저 압축을 푸세요.'],
  [
    /^Shorten the prompt to at most (?<most>\d+) tokens/,
    '프롬프트를 토큰 {most}개 이하로 줄이거나, 모델 보기에서 더 긴 컨텍스트로 다시 불러오세요.',
  ],
  [/^Drop its files again, or/, '그 파일을 다시 놓거나 다른 모델을 고르세요.'],
  [/^Drop their files here/, '그 파일을 여기에 놓으세요. 그때까지는 그 어댑터 없이 글을 씁니다.'],
  [/^Give at least one token\.$/, '토큰이 하나는 있어야 합니다.'],
  [/^Set (?<field>\S+) to (?<allowed>.+)\.$/, '{field}에 허용된 값: {allowed}.'],
  [/^They can act one at a time/, '한 번에 하나만 적용할 수 있습니다. 둘 중 하나의 세기를 0으로 두세요.'],
  [/^Load it again\.$/, '다시 불러오세요.'],
  [/^Unmerge them first\.$/, '먼저 병합을 푸세요.'],
  [
    /^Check the connection; the server/,
    '연결을 확인하세요. 서버도 다른 페이지가 파일을 읽도록 허용(CORS)해야 합니다.',
  ],
  [/^Check the connection\. Models that/, '연결을 확인하세요. 저장해 둔 모델은 연결 없이도 열립니다.'],
  [/^The defaults are in use instead\.$/, '대신 기본값을 씁니다.'],
  [
    /^It was trained on another base/,
    '다른 모델에서 학습한 어댑터입니다. 그 모델을 불러오거나, 행렬 사본이 없는 어댑터를 쓰세요.',
  ],
  [
    /^A page asks only whom it has named/,
    '페이지는 열릴 때 허용한 곳에만 접속합니다. 허용하면 페이지를 다시 엽니다.',
  ],
  [
    /^A model is a folder with/,
    '모델은 config.json, 가중치(safetensors 또는 GGUF), tokenizer.json이 있는 폴더입니다. 어댑터에는 adapter_config.json이 있습니다.',
  ],
  [/^This is a fault in Tokenscope/, 'Tokenscope의 결함입니다. 알려 주세요.'],
]

function said(list: readonly Said[], text: string): string {
  for (const [pattern, korean] of list) {
    const match = pattern.exec(text)
    if (match !== null) return fillKorean(korean, match.groups ?? {})
  }
  return text
}

/** An error with its message and hint in Korean, where they are among the usual ones; the rest stays as it was said. */
export function koreanError<T extends ErrorData>(error: T): T {
  return { ...error, message: said(MESSAGES, error.message), hint: said(HINTS, error.hint) }
}
