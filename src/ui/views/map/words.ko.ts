import type { mapEn } from './words.en.ts'

export const mapKo: Readonly<Record<keyof typeof mapEn, string>> = {
  'map.title': '한 장으로 보는 모델',
  'map.about':
    '고른 토큰은 숫자 목록이 되어 아래로 흐릅니다. 층마다 왼쪽의 어텐션은 앞선 토큰들이 가진 것을, 오른쪽의 MLP는 모델이 배운 것을 더합니다. 맨 아래에서 숫자가 다음 토큰이 됩니다.',
  'map.aboutEncoder':
    '고른 토큰은 숫자 목록이 되어 아래로 흐릅니다. 층마다 왼쪽의 어텐션은 다른 모든 토큰이 가진 것을, 오른쪽의 MLP는 모델이 배운 것을 더합니다. 맨 아래에는 이 자리에 어울리는 단어가 나옵니다.',
  'map.waiting': '글을 쓰는 중입니다. 다 쓰면 그림이 이어집니다.',
  'map.empty': '글이 들어오기 전의 모델입니다.',
  'map.emptyHint': '몇 마디 쓰면 숫자가 흐르는 모습이 보입니다.',
  'map.text': '글의 토큰',

  'map.columnLayer': '층',
  'map.columnAttention': '어텐션: 헤드 {count}개가 보는 곳',
  'map.columnAttentionHint':
    '칸 하나가 헤드 하나입니다. 왼쪽 끝이 첫 토큰, 오른쪽 끝이 고른 토큰이고, 진할수록 가중치가 큽니다.',
  'map.columnStream': '잔차 스트림',
  'map.columnStreamHint':
    '잔차 스트림의 너비는 숫자 목록의 길이(유클리드 노름)입니다. 흘러드는 줄기의 굵기는 합쳐질 흐름에 견준 길이이고, 가운데 심은 실제로 나온 토큰의 확률입니다.',
  'map.columnMlp': 'MLP: 열린 스위치',
  'map.columnExperts': '전문가: 고른 것',
  'map.columnMlpHint': '활성화 함수가 통과시킨 값: 0보다 작으면 파랑, 크면 주황.',
  'map.columnWord': '여기서 끝난다면',
  'map.columnHere': '이 자리의 단어',
  'map.columnWordHint': '로짓 렌즈: 모델이 이 층에서 끝난다면 가장 가능성이 높은 토큰.',

  'map.beginning': '시작',
  'map.embeds': '토큰 하나가 숫자 {width}개로',
  'map.ending': '끝',
  'map.scores': '토큰 {count}개마다 점수 하나',
  'map.likely': '가장 가능성이 높은 토큰',
  'map.drawn': '뽑힌 토큰',
  'map.follows': '이어지는 토큰',
  'map.standsHere': '이 자리의 토큰',
  'map.likeliest': '다음으로 가장 유력',

  'map.layer': '층 {layer}',
  'map.open': '층 {layer} 펼치기',
  'map.close': '층 {layer} 접기',
  'map.inside': '층 {layer}의 속',
  'map.heads': '층 {layer}: 어텐션 헤드 {count}개',
  'map.head': '층 {layer}, 헤드 {head}',
  'map.headLooks': '{head}: 위치 {at}에 가장 주목 ({weight})',
  'map.mlp': '층 {layer}: MLP',
  'map.mlpWrites': '층 {layer}: 길이 {before}인 흐름에 MLP가 길이 {norm}만큼 더합니다.',
  'map.experts': '전문가 {count}개.',
  'map.expertTaken': '전문가 {expert}: {weight}.',
  'map.wordOf': '{name}에서 끝난다면 “{word}”: {probability}',
  'map.gallery': '층 {layer}의 어텐션, 헤드별',
  'map.galleryTitle': '헤드',
  'map.node': '{name}: {role}, {shape}.',
  'map.peak': '이 행에서 가장 큰 값: {value}.',
  'map.aboutNone':
    '단계를 가리키면 하는 일을 알려 줍니다. 누르면 단계 화면에서, 헤드는 어텐션 화면에서 열립니다.',

  'map.axis.rows': '토큰 {size}개',
  'map.axis.heads': '헤드 {size}개',
  'map.axis.positions': '위치 {size}개',
  'map.axis.features': '특징 {size}개',
  'map.axis.vocabulary': '어휘 {size}개',
  'map.axis.experts': '전문가 {size}개',
  'map.axis.ranks': '랭크 {size}',
  'map.axis.kv': '키와 값',
  'map.axis.ofHeads': '특징 {size}개 (헤드 {heads}개 × {each})',
}
