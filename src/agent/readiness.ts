/** Handlers that cannot answer from the first moment: an agent listens when they can. */

const waits = new WeakMap<object, () => Promise<void>>()

/** Says what is waited for before an agent with this handler listens. */
export function setReadiness(handler: object, ready: () => Promise<void>): void {
  waits.set(handler, ready)
}

/** Resolves when the handler can answer; undefined for one that always can. */
export function readinessOf(handler: object): (() => Promise<void>) | undefined {
  return waits.get(handler)
}
