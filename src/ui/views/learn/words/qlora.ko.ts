import type { qloraEn } from './qlora.en.ts'

export const qloraKo: Readonly<Record<keyof typeof qloraEn, string>> = {
  'qlora.title': 'QLoRA: 4비트 곁에서 배우기',
  'qlora.about': '기본 모델은 압축된 채로 두고, 어댑터만 온전한 정밀도로 배웁니다.',
  'qlora.base':
    '모델의 가중치를 {weights} 형식으로 다시 불러왔습니다. GPU에서 {modelBytes}를 차지합니다. 학습은 이 가중치를 바꾸지 않으므로 32개마다 배율 하나를 둔 4비트로 압축된 채 두어도 됩니다.',
  'qlora.gradient':
    '거꾸로 갈 때는 곱마다 가중치가 뒤집힌 꼴로 한 번 더 필요합니다. dx = Wᵀ·dy입니다. 따로 복사하지 않고 같은 4비트 블록을 놓인 그대로 읽습니다. 그래디언트와 모멘트는 A와 B의 것, 32비트 수 {trainedNumbers}개뿐입니다.',
  'qlora.gradient.task': '열 단계를 기다려 보세요.',
  'qlora.fits':
    '어댑터는 반올림된 모델이 하는 말로 평가받으므로, 반올림으로 생긴 오차를 얼마쯤 메우는 것까지 배웁니다. 그래서 이 가중치와 가장 잘 맞고, 다른 가중치 곁에서는 조금 어긋납니다.',
  'qlora.back':
    '모델이 저장된 그대로 돌아왔습니다. 형식은 {weights}이고 크기는 {modelBytes}입니다. 4비트로 한 학습은 지난 학습에 남아 있으며, 시작할 때와 같은 가중치에서만 이어서 할 수 있습니다.',
}
