import { Fragment } from 'react'
import { splitPieces } from '../../state/characterGroups.ts'

/** A token's text with its blanks marked; the text content stays exactly the text. */
export function TokenText({ text }: { text: string }) {
  const pieces = splitPieces(text)
  if (pieces.length === 1 && pieces[0]?.kind === 'text') return text
  return pieces.map((piece, index) => {
    switch (piece.kind) {
      case 'text':
        return <Fragment key={index}>{piece.text}</Fragment>
      case 'space':
      case 'tab':
      case 'newline':
        return (
          <span key={index} className={`blank blank-${piece.kind}`}>
            {piece.text}
          </span>
        )
      case 'broken':
        return <span key={index} className="broken" />
    }
  })
}
