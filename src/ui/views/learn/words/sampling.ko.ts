import type { samplingLessonEn } from './sampling.en.ts'

export const samplingLessonKo: Readonly<Record<keyof typeof samplingLessonEn, string>> = {
  'sampling.title': '샘플링',
  'sampling.about': '확률이 토큰 하나로 정해지는 과정과, 슬라이더마다 확률을 어떻게 바꾸는지 알아봅니다.',
  'sampling.candidates':
    '모델은 토큰 {vocab}개 모두에 확률을 줄 뿐, 어느 하나를 고르지는 않습니다. 글의 한 자리에서 모델이 내놓은 후보들이 여기 있습니다. 가장 위의 후보가 {stageBestShare}입니다. 실제로 쓰인 토큰은 “{explorerToken}”입니다.',
  'sampling.draw':
    '고르는 일은 추출(샘플링)입니다. 토큰들이 0부터 1까지 나란히 놓이고, 저마다 확률만큼의 너비를 차지합니다. 난수 하나가 그 가운데 한 곳을 가리킵니다. 이번 난수 {drawRandom}의 자리는 {drawFrom}부터 {drawTo}까지의 구간 안입니다.',
  'sampling.temperature':
    '온도는 소프트맥스에 앞서 로짓을 나누는 수입니다. 1보다 작으면 앞선 후보가, 1보다 크면 뒤처진 후보의 확률이 커집니다. 0이면 추출 없이 첫째 후보를 고릅니다.',
  'sampling.temperature.task': '온도를 0으로 옮겨 보세요. 첫째 막대가 전부를 차지합니다.',
  'sampling.topK':
    'Top-k는 가장 좋은 후보 k개만 남기고 남은 후보의 확률을 합이 1이 되게 다시 정규화합니다. 지금은 토큰 {vocab}개 가운데 {kept}개가 추출 대상입니다.',
  'sampling.topK.task': 'Top-k를 3 이하로 맞춰 보세요.',
  'sampling.topP':
    'Top-p는 확률의 합이 p에 이를 때까지 좋은 후보부터 차례로 남깁니다. 모델이 확신하는 자리에서는 적게, 망설이는 자리에서는 많이 남습니다. 지금은 {kept}개가 추출 대상입니다.',
  'sampling.topP.task': 'Top-p를 0.5로 낮추고 꼬리가 사라지는 것을 보세요.',
  'sampling.many':
    '한 번 뽑아서는 알기 어렵지만 백 번 뽑으면 분포의 모양이 드러납니다. 뽑을 때마다 새 난수를 쓰고, 후보가 몇 번 나왔는지는 표에서 셉니다.',
  'sampling.many.task': '100번 뽑아 보세요.',
  'sampling.seed':
    '난수는 시드에서 나옵니다. 시드와 프롬프트와 설정이 같으면 언제나 같은 글이 나옵니다. 이 글은 시드 {runSeed}에서 나왔습니다.',
  'sampling.seed.task': '시드를 바꾸고 다시 생성해 보세요.',
  'sampling.mind':
    '다른 길로 갈 수도 있었습니다. 어떤 후보든 쓰인 토큰의 자리에 대신 놓을 수 있습니다. 모델은 거기서부터 이어 쓰고, 먼저 쓴 글은 갈래로 남습니다.',
  'sampling.mind.task': '모델의 마음을 바꿔 보세요. 다른 후보에서 이어 쓰면 됩니다.',
  'sampling.fork':
    '여기서는 글마다 나무의 한 줄이 됩니다. 다른 후보를 고른 자리에서 갈래가 나뉩니다. 두 글은 그 앞부분을 함께 쓰고, 어느 쪽이든 다시 이어 쓸 수 있습니다.',
}
