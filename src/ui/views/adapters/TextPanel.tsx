import { Legend } from '../../components/Legend.tsx'
import { PromptField } from '../../components/PromptField.tsx'
import { TextButtons } from '../../components/RunButtons.tsx'
import { TokenStream } from '../../components/TokenStream.tsx'
import { useIsEncoder } from '../../components/reading.ts'
import { useApp } from '../../context.ts'
import { ScalesChip } from './ScalesChip.tsx'

/** The text on the page beside the sliders: its colours follow the sliders. An encoder writes none. */
export function TextPanel() {
  const colouring = useApp((state) => state.colouring)
  const isEncoder = useIsEncoder()
  return (
    <div className="scales-text stack">
      {!isEncoder && (
        <>
          <PromptField />
          <div className="actions">
            <TextButtons />
            <Legend colouring={colouring} />
          </div>
        </>
      )}
      <ScalesChip />
      <TokenStream />
    </div>
  )
}
