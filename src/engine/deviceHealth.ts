import { TokenscopeError } from '../errors.ts'

/** Whether a model can still be asked: its device may fail outside any call, and it may have been disposed of. */
export class DeviceHealth {
  /** Resolves when the device fails outside a call; never for a model that is disposed of in good health. */
  readonly faulted: Promise<TokenscopeError>
  readonly #device: GPUDevice
  #fault: TokenscopeError | null = null
  #isDisposed = false
  #report: (error: TokenscopeError) => void = () => undefined

  constructor(device: GPUDevice) {
    this.#device = device
    this.faulted = new Promise((resolve) => (this.#report = resolve))
    device.addEventListener('uncapturederror', this.#onFault)
    void device.lost.then(({ message, reason }) => {
      if (this.#isDisposed) return
      this.#fail(
        new TokenscopeError('device-lost', 'The GPU device was lost.', {
          hint: 'The text is kept. Load the model again to go on.',
          details: { reason, message },
        }),
      )
    })
  }

  get isDisposed(): boolean {
    return this.#isDisposed
  }

  /** Throws when the model was disposed of or its device has failed. */
  check(): void {
    if (this.#fault) throw this.#fault
    if (this.#isDisposed) {
      throw new TokenscopeError('bad-argument', 'This model was disposed of.', {
        hint: 'Load it again.',
        details: { disposed: true },
      })
    }
  }

  dispose(): void {
    this.#isDisposed = true
    this.#device.removeEventListener('uncapturederror', this.#onFault)
  }

  readonly #onFault = ({ error }: GPUUncapturedErrorEvent): void => {
    const code = error instanceof GPUOutOfMemoryError ? 'out-of-memory' : 'device-lost'
    this.#fail(
      new TokenscopeError(code, `The GPU reported a fault: ${error.message}`, {
        hint: 'Load the model again; with little GPU memory, a smaller model or a quantised weight format.',
      }),
    )
  }

  /** The first fault stays: later ones follow from it. */
  #fail(error: TokenscopeError): void {
    if (this.#fault) return
    this.#fault = error
    this.#report(error)
  }
}
