import type { precisionEn } from './words.en.ts'

export const precisionKo: Readonly<Record<keyof typeof precisionEn, string>> = {
  'precision.about':
    '비트를 줄이면 이 페이지의 글에서 무엇을 잃는지 봅니다. 같은 글을 이 모델의 가중치와 다른 가중치로 나란히 한 번씩 읽습니다. 어댑터는 쓰지 않습니다.',
  'precision.against': '이 모델({format})과 비교할 가중치',
  'precision.own': '같은 파일, {format}',
  'precision.files': '다른 파일…',
  'precision.choose': '같은 모델의 다른 형식 파일',
  'precision.run': '비교',
  'precision.cancel': '취소',
  'precision.empty': '아직 비교한 것이 없습니다.',
  'precision.opening': '다른 가중치를 여는 중…',
  'precision.loading': '다른 가중치: {total} 중 {done}',
  'precision.comparing': '토큰 {total}개 중 {done}개',
  'precision.done': '토큰 {total}개를 비교했고, 다른 가중치는 다시 비웠습니다.',
  'precision.stopped': '토큰 {done}개에서 멈췄습니다.',
  'precision.model': '이 모델',
  'precision.theOther': '비교 대상',
  'precision.truth': '기준',
  'precision.gpuHint': '비교하는 동안 GPU에서 {bytes}를 차지했습니다.',
  'precision.mean': '토큰당 KL, 평균',
  'precision.worst': '토큰당 KL, 최대',
  'precision.klHint': '토큰 뒤의 예측이 더 정밀한 쪽의 예측에서 얼마나 벗어났는지. 둘이 같으면 0입니다.',
  'precision.parted': '1순위가 다른 곳',
  'precision.partedHint': '가장 확률이 높은 다음 토큰이 서로 다른 곳. 탐욕 생성이라면 여기서 갈라집니다.',
  'precision.partedOf': '{total}개 중 {parted}개',
  'precision.text': '글을 따라',
  'precision.tokens': '뒤에서 잃은 정도로 칠한 토큰',
  'precision.pick':
    '토큰을 고르면 그 뒤를 둘이 어떻게 예측하는지 보입니다. 물결선은 둘의 다음 토큰이 다르다는 뜻입니다.',
  'precision.says': '{format}: {token}, {probability}',
  'precision.heat': '층과 부분별',
  'precision.heatOf': '오차',
  'precision.heat.own': '행렬마다',
  'precision.heat.error': '쌓인 대로',
  'precision.note.own':
    '이 글에서 각 행렬이 혼자 내는 오차입니다. 더 정밀한 모델의 입력을 그대로 받아 계산했습니다. 차이의 제곱합을 크기의 제곱합으로 나눈 값의 10의 거듭제곱이며, 큰 곳일수록 비트가 더 필요합니다.',
  'precision.note.error':
    '이 글에서 각 부분의 출력이 더 정밀한 모델과 얼마나 다른지 보입니다. 앞선 부분들의 오차도 담겨 있습니다. 차이의 제곱합을 크기의 제곱합으로 나눈 값의 10의 거듭제곱입니다.',
  'precision.table': '층과 부분별 오차',
  'precision.layer': '층',
}
