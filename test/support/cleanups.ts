/** What a suite has to undo behind its last test, for helpers that want a test to hang it on: `before` has none. */
export class Cleanups {
  readonly #callbacks: (() => unknown)[] = []

  after(callback: () => unknown): void {
    this.#callbacks.push(callback)
  }

  /** The last one first. */
  async run(): Promise<void> {
    for (const callback of this.#callbacks.splice(0).reverse()) await callback()
  }
}
