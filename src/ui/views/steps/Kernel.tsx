import { useDeferredValue, useMemo, useState } from 'react'
import type { StepInfo } from '../../../api/model.ts'
import { Icon } from '../../components/Icon.tsx'
import { useSession, useTranslate } from '../../context.ts'
import { gridOf, splitWgsl } from './wgsl.ts'

/** The shader that computed the step, as it was compiled. */
export function Kernel({ step }: { step: StepInfo }) {
  const t = useTranslate()
  const [open, setOpen] = useState(true)
  // A long shader is hundreds of elements: the step itself must not wait for them.
  const text = useDeferredValue(step.wgsl)
  const tokens = useMemo(() => splitWgsl(text), [text])
  const grid = gridOf(text)
  return (
    <section className="inspect-part">
      <div className="inspect-head row">
        <button
          type="button"
          className="disclosure eyebrow"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          <span className={open ? 'twist twist-open' : 'twist'}>
            <Icon name="right" />
          </span>
          {t('inspect.kernel')}
        </button>
        <CopyButton text={text} />
      </div>
      {grid !== null && (
        <p className="note kernel-grid">
          {t('inspect.grid')} <code>{grid}</code>
        </p>
      )}
      <pre
        className="wgsl"
        data-testid="step-wgsl"
        hidden={!open}
        tabIndex={0}
        aria-label={t('inspect.wgsl')}
      >
        {tokens.map(({ kind, text }, index) =>
          kind === 'plain' ? (
            text
          ) : (
            <span key={index} className={`wgsl-${kind}`}>
              {text}
            </span>
          ),
        )}
      </pre>
    </section>
  )
}

function CopyButton({ text }: { text: string }) {
  const session = useSession()
  const t = useTranslate()
  const [copied, setCopied] = useState('')
  const copy = () => {
    navigator.clipboard.writeText(text).then(
      () => setCopied(text),
      (error: unknown) => session.report(error),
    )
  }
  return (
    <button type="button" className="button button-small" onClick={copy}>
      {t(copied === text ? 'inspect.copied' : 'inspect.copy')}
    </button>
  )
}
