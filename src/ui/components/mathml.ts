import { createElement, type ReactElement, type ReactNode } from 'react'

/** MathML, element by element. Browsers lay it out and read it aloud; no font or script is needed. */

type Props = Readonly<Record<string, string>> | null

const element =
  (tag: string, props: Props = null) =>
  (...children: ReactNode[]): ReactElement =>
    createElement(tag, props, ...children)

export const mrow = element('mrow')
export const mi = element('mi')
export const mo = element('mo')
export const mn = element('mn')
export const mtext = element('mtext')
export const mfrac = element('mfrac')
export const msqrt = element('msqrt')
export const msub = element('msub')
export const msup = element('msup')
export const msubsup = element('msubsup')
export const munder = element('munder')

/** A name of several letters, upright as functions are. */
export const word = element('mi', { mathvariant: 'normal' })

/** A number that stands for a cell of this forward. */
export const live = element('mn', { className: 'math-live' })

/** A function before its argument, `cos`: set off from what stands left of it. */
export const fn = (name: string): ReactElement => element('mo', { lspace: '0.2em', rspace: '0.12em' })(name)

/** An operator that hugs its operands. */
export const tight = element('mo', { lspace: '0', rspace: '0' })

export const paren = (...inside: ReactNode[]): ReactElement => mrow(tight('('), ...inside, tight(')'))

/** A subscript of several letters: `a` with `row, dim`. */
export const sub = (base: ReactNode, index: string): ReactElement =>
  msub(typeof base === 'string' ? mi(base) : base, mi(index))

/** Σ over an index. */
export const sumOver = (index: string, ...terms: ReactNode[]): ReactElement =>
  mrow(munder(mo('∑'), mi(index)), ...terms)

export const math = (label: string, ...children: ReactNode[]): ReactElement =>
  createElement('math', { display: 'block', 'aria-label': label }, ...children)
