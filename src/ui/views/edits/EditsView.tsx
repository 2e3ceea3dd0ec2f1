import { TOOLS, type Tool } from './store.ts'
import type { ModelInfo } from '../../../api/model.ts'
import { Segmented } from '../../components/Segmented.tsx'
import { useTranslate } from '../../context.ts'
import { EditedStream } from './EditedStream.tsx'
import { useEditedRun, useEdits, useEditsState, useInfo, useShownEdited } from './hooks.ts'
import { MaskTool } from './MaskTool.tsx'
import { PatchTool } from './PatchTool.tsx'
import { ScaleTool } from './ScaleTool.tsx'
import { SteerTool } from './SteerTool.tsx'
import { StoryPanel } from './StoryPanel.tsx'
import { useWatchedMeasurement } from '../../components/reading.ts'

/** Changes what the model computes, and shows what that did to the text. */
export function EditsView() {
  const info = useInfo()
  const { measurement } = useEditedRun()
  useWatchedMeasurement(measurement)
  return (
    <div className="edits view" data-testid="edits-view">
      {info !== null && <Tools info={info} />}
      <EditedStream />
      <StoryPanel />
    </div>
  )
}

function Tools({ info }: { info: ModelInfo }) {
  const edits = useEdits()
  const t = useTranslate()
  const tool = useEditsState((state) => state.tool)
  return (
    <section className="edit-tools" aria-label={t('edits.tool')}>
      <Segmented<Tool>
        label={t('edits.tool')}
        value={tool}
        choices={TOOLS.map((value) => ({ value, label: t(`edits.tool.${value}`) }))}
        onChange={(next) => edits.state.setState({ tool: next })}
      />
      <p className="note edit-about">{t(`edits.about.${tool}`)}</p>
      <ToolBody tool={tool} info={info} />
    </section>
  )
}

function ToolBody({ tool, info }: { tool: Tool; info: ModelInfo }) {
  const ids = useShownEdited()?.ids ?? []
  switch (tool) {
    case 'scale':
      return <ScaleTool info={info} />
    case 'steer':
      return <SteerTool info={info} />
    case 'patch':
      return <PatchTool />
    case 'mask':
      return ids.length === 0 ? null : <MaskTool info={info} ids={ids} />
  }
}
