import type { Language } from '../../../../state/app.ts'
import type { LessonWords } from './lessons.en.ts'

/** Fetches the words of the lessons in one language. */
export async function loadLessonWords(language: Language): Promise<LessonWords> {
  switch (language) {
    case 'en':
      return (await import('./lessons.en.ts')).lessonsEn
    case 'ko':
      return (await import('./lessons.ko.ts')).lessonsKo
  }
}
