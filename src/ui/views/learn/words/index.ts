import type { Language } from '../../../../state/app.ts'
import type { lessonsEn } from './lessons.en.ts'

export type LessonKey = keyof typeof lessonsEn
export type LessonWords = Readonly<Record<LessonKey, string>>

/** Fetches the words of the lessons in one language. */
export async function loadLessonWords(language: Language): Promise<LessonWords> {
  switch (language) {
    case 'en':
      return (await import('./lessons.en.ts')).lessonsEn
    case 'ko':
      return (await import('./lessons.ko.ts')).lessonsKo
  }
}
