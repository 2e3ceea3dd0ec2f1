import { useEffect, useState } from 'react'
import { useSession, useTranslate } from '../context.ts'
import { droppedFiles } from './droppedFiles.ts'

/** Takes model files dropped anywhere on the page; while they hover, the whole page says so. */
export function DropOverlay() {
  const session = useSession()
  const t = useTranslate()
  const [over, setOver] = useState(false)
  useEffect(() => {
    const carriesFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true
    const onDragOver = (event: DragEvent) => {
      if (!carriesFiles(event)) return
      event.preventDefault()
      setOver(true)
    }
    const onDragLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false)
    }
    const onDrop = (event: DragEvent) => {
      setOver(false)
      if (!carriesFiles(event) || event.dataTransfer === null) return
      event.preventDefault()
      const label = t('model.dropped')
      droppedFiles(event.dataTransfer).then(
        (files) => session.load(files, { label, id: null }),
        (error: unknown) => session.report(error),
      )
    }
    document.addEventListener('dragover', onDragOver)
    document.addEventListener('dragleave', onDragLeave)
    document.addEventListener('drop', onDrop)
    return () => {
      document.removeEventListener('dragover', onDragOver)
      document.removeEventListener('dragleave', onDragLeave)
      document.removeEventListener('drop', onDrop)
    }
  }, [session, t])
  if (!over) return null
  return (
    <div className="drop-overlay">
      <p className="drop-title">{t('drop.title')}</p>
      <p>{t('drop.body')}</p>
    </div>
  )
}
