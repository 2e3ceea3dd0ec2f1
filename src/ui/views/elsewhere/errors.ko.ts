import type { Said } from '../../words/errors.ko.ts'

/** What engines elsewhere, and the way to them, say when something is lacking or fails. */
export const ENGINE_MESSAGES: readonly Said[] = [
  [
    /^A page from https may not reach (?<host>\S+) over http\.$/,
    'https 페이지는 http로 {host}에 접속할 수 없습니다.',
  ],
  [
    /^(?<host>\S+) answers, but does not allow pages of (?<origin>\S+)\.$/,
    '{host}에서 답하지만, {origin} 페이지를 허용하지 않습니다.',
  ],
  [/^Nothing answers at (?<host>\S+), or/, '{host}에서 답이 없거나, 브라우저가 접속을 허용받지 못했습니다.'],
  [/^The address of the engine is no URL\.$/, '엔진 주소가 URL이 아닙니다.'],
  [/^The address holds a name or a password\.$/, '주소에 이름이나 비밀번호가 들어 있습니다.'],
  [/^An engine is reached by http or https/, '엔진에는 http나 https로 접속합니다.'],
  [/^apiKey holds characters/, '키에 쓸 수 없는 글자가 들어 있습니다.'],
  [/^(?<url>\S+) lists no model\.$/, '{url}에 모델이 없습니다.'],
  [/^(?<url>\S+) answered (?<status>\d{3})(?:: (?<said>.+))?$/, '{url}의 응답: {status} {said}'],
  [/^(?<url>\S+) redirects elsewhere/, '{url}에서 다른 곳으로 넘기지만, 따라가지 않습니다.'],
  [/^(?<url>\S+) has been silent for (?<time>.+)\.$/, '{url}에서 {time} 동안 아무것도 오지 않았습니다.'],
  [/^(?<engine>.+) does not offer (?<what>[\w ]+): /, '{engine}에서는 이 기능을 쓸 수 없습니다({what}).'],
  [/^The stream ended before the answer did\.$/, '답이 끝나기 전에 연결이 끊겼습니다.'],
  [/^This text was written before the engine was connected\.$/, '엔진을 연결하기 전에 쓴 글입니다.'],

  [
    /^it answers no \/tokenize/,
    '/tokenize와 /detokenize가 없습니다. vLLM, SGLang, llama.cpp 서버에는 있습니다.',
  ],
  [
    /^it ignores or refuses (?<field>\S+);/,
    '{field} 설정을 무시하거나 거절합니다. vLLM, SGLang, llama.cpp 서버는 받습니다.',
  ],
  [/^it has no setting (?<field>\S+);/, '{field} 설정이 없습니다. 새 버전에는 있습니다.'],
  [/^it refuses (?<what>\/\S+)/, '{what} 요청을 거절합니다.'],
  [/^it renders no chats/, '대화를 만들지 못합니다. 모델에 템플릿이 없거나 --jinja가 필요합니다.'],
  [/^it sent none where asked/, '요청해도 보내지 않았습니다. 새 버전은 보냅니다.'],
  [
    /^it sends none, even/,
    '요청해도 보내지 않습니다. vLLM, SGLang, llama.cpp 서버, Ollama(0.12.11부터)는 보냅니다.',
  ],
  [/^it sends texts only/, '글만 보냅니다. vLLM은 요청하면, llama.cpp 서버는 늘 id를 보냅니다.'],
  [
    /^its \/v1\/completions takes no token ids/,
    '/v1/completions에서 토큰 id를 받지 않습니다. vLLM과 SGLang은 받습니다.',
  ],
  [/^it sends no ids and takes none/, 'id를 보내지도, 멈춤 표시로 받지도 않습니다. vLLM은 둘 다 합니다.'],
  [
    /^an adapter is a model of its own/,
    '어댑터마다 따로 모델이어서 켜거나 끌 수만 있습니다. llama.cpp 서버는 요청마다 배율을 받습니다.',
  ],
  [
    /^it lists no adapters/,
    '이 모델의 어댑터가 없습니다. vLLM은 --enable-lora, llama.cpp 서버는 --lora로 줍니다.',
  ],
  [/^it was started without adapters/, '어댑터 없이 시작했습니다. --lora FILE.gguf로 줍니다.'],
  [
    /^its \/tokenize takes no messages/,
    '/tokenize에서 대화를 받지 않습니다. vLLM과 llama.cpp 서버의 /apply-template은 받습니다.',
  ],
  [
    /^it sends (?:no log-probabilities of the prompt|log-probabilities of generated)/,
    '프롬프트의 로그 확률을 보내지 않습니다. vLLM(prompt_logprobs)은 보냅니다.',
  ],
  [/^it answers without choices\.$/, '답에 choices가 없습니다.'],
]

export const ENGINE_HINTS: readonly Said[] = [
  [
    /^Allow this page’s origin:/,
    '이 페이지의 출처를 허용하세요: llama.cpp --cors-origins, vLLM --allowed-origins, Ollama OLLAMA_ORIGINS, LM Studio의 CORS 스위치.',
  ],
  [/^Serve the engine over https/, '엔진을 https로 열거나, 엔진이 있는 컴퓨터에서 이 페이지를 여세요.'],
  [
    /^Start the engine, check host/,
    '엔진을 켜고 호스트와 포트를 확인하세요. 브라우저가 물으면 로컬 네트워크 접속을 허용하세요.',
  ],
  [/^Give one like (?<url>\S+)\.$/, '예: {url}'],
  [/^Leave them out and give the key/, '주소에서 빼고 키 칸에 적으세요.'],
  [/^Copy it again, without spaces/, '빈칸과 줄바꿈 없이 다시 복사하세요.'],
  [/^Load one there, or give/, '엔진에서 모델을 불러오거나 이름을 적으세요.'],
  [/^Give the key that this engine/, '이 엔진을 시작할 때 정한 키를 적으세요.'],
  [/^Check the address and the name of the model\.$/, '주소와 모델 이름을 확인하세요.'],
  [/^Shorten the prompt, or raise the limit/, '프롬프트를 줄이거나 엔진의 한도를 늘리세요.'],
  [/^The engine is busy or its quota/, '엔진이 바쁘거나 할당량을 다 썼습니다. 기다렸다가 다시 하세요.'],
  [
    /^The engine may still be loading/,
    '엔진이 아직 준비 중이거나 고장 났을 수 있습니다. 엔진의 기록을 보세요.',
  ],
  [/^Shorten the prompt, or start the engine/, '프롬프트를 줄이거나 더 긴 컨텍스트로 엔진을 시작하세요.'],
  [/^The engine refused a setting/, '엔진이 받지 않는 설정이 있습니다. 메시지에 이름이 있습니다.'],
  [/^What has arrived is kept/, '받은 글은 그대로 있습니다. ‘이어 쓰기’를 누르면 거기서부터 이어집니다.'],
  [/^Use an engine that offers it/, '이 기능이 있는 엔진이나 이 탭의 모델을 쓰세요.'],
  [/^Try again; what has arrived is kept\.$/, '다시 해 보세요. 받은 글은 그대로 있습니다.'],
  [/^Write it anew: the engine/, '새로 쓰세요. 이 엔진은 토큰을 글자로만 압니다.'],
  [/^Check that the address is that of the engine/, '엔진의 주소가 맞는지 확인하세요.'],
]
