import type { attentionLessonEn } from './attention.en.ts'

export const attentionLessonKo: Readonly<Record<keyof typeof attentionLessonEn, string>> = {
  'attention.title': '어텐션과 KV 캐시',
  'attention.about':
    '토큰이 앞의 토큰을 돌아보는 방법과, 같은 계산을 두 번 하지 않아도 되는 까닭을 알아봅니다.',
  'attention.heads':
    '지금까지 토큰은 저마다 따로 있었습니다. 어텐션은 토큰이 앞을 돌아보게 해 줍니다. 이 모델은 층 {layers}개에 헤드가 {heads}개씩, 모두 {allHeads}개의 헤드를 가지고 있습니다. 그림 하나가 헤드 하나이고, 한 줄은 토큰 하나이며, 진한 곳이 그 토큰이 보는 곳입니다.',
  'attention.matrix':
    '헤드 하나를 크게 본 것입니다. 층 {headLayer}의 헤드 {headNumber}입니다. 아래로는 보는 토큰인 쿼리가, 옆으로는 보이는 토큰인 키가 놓여 있습니다. 한 행을 더하면 1이 되고, 대각선 위쪽은 비어 있습니다. 어떤 토큰도 뒤에 올 토큰은 볼 수 없기 때문입니다. 이 헤드는 가중치의 {headFirst}만큼을 첫 토큰에 씁니다.',
  'attention.row':
    '그림의 한 칸을 말로 풀었습니다. 누가 누구를 얼마만큼의 가중치로 보는지 알려 줍니다. 다른 칸에 마우스를 올리거나 화살표 키로 옮겨 보세요.',
  'attention.previous':
    '헤드에는 습관이 있습니다. 그림에 적힌 글자는 이 글에서 잰 습관의 이름입니다. P는 직전 토큰을, F는 첫 토큰을, S는 같은 토큰을, I는 같은 토큰이 지난번에 나왔을 때 그 뒤에 온 것을 봅니다.',
  'attention.previous.task':
    '직전 토큰을 가장 많이 보는 헤드를 찾아보세요. 지금 고른 헤드는 가중치의 {headPrevious}만큼을 직전 토큰에 씁니다.',
  'attention.scores':
    '가중치는 곱셈에서 시작합니다. 한 토큰의 쿼리와 다른 토큰의 키는 각각 숫자 {headDim}개입니다. 짝을 지어 곱한 값을 모두 더하고 √{headDim}(으)로 나눕니다. 여기 보이는 것은 지금 고른 헤드(층 {headLayer}, 헤드 {headNumber})가 가장 많이 보는 토큰에 대한 합이고, 소프트맥스가 한 행의 점수를 가중치로 바꿉니다.',
  'attention.values':
    '가중치로는 값을 섞습니다. 헤드는 자신이 본 토큰들의 값 행에 각각의 가중치를 곱해 더합니다. 이렇게 해서 한 토큰이 앞선 토큰의 내용을 얼마간 지니게 됩니다.',
  'attention.cache':
    '한 토큰의 키와 값은 그 앞의 글에만 달려 있어서 글이 길어져도 달라지지 않습니다. 그래서 버리지 않고 남겨 둡니다. 프리필은 프롬프트를 여러 위치씩 한꺼번에 이 캐시에 쓰거나, 앞선 실행이 남긴 것을 이어받습니다. 그 뒤로는 디코딩할 때마다 위치가 하나씩 늘어납니다. 어느 쪽이었는지는 목록에 나옵니다.',
  'attention.price':
    '남겨 두려면 메모리가 듭니다. 이 모델에서는 위치 하나에 {bytesPerPosition}, 이 글에는 {bytesOfText}쯤 듭니다. 그 대신 새 토큰을 쓸 때 글 전체가 아니라 행 하나만 계산하면 됩니다.',
  'attention.continue':
    '직접 확인해 봅시다. 이어 쓰기를 누르면 키와 값이 아직 캐시에 남아 있는 이 글의 뒤를 이어 씁니다.',
  'attention.continue.task': '글을 이어 써 보세요.',
  'attention.reused':
    '마지막 실행은 캐시에서 위치 {reused}개를 이어받고 {prefillRows}개를 읽은 다음 글을 썼습니다. 이어 쓰기를 했다면 거의 모두를 이어받습니다. 어느 실행이 어느 위치를 썼는지는 이 목록에 나와 있습니다.',
}
