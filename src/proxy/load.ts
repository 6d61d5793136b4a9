/** `loadProxy`: from files to a plan. */
import type { LoadedProxy, LoadOptions } from './load-options.ts'
import { loadExtended } from './loader.ts'

/**
 * Reads a configuration with all files that it names. Nothing is opened for listening, and no server is asked.
 *
 * @example
 * ```ts
 * import { createProxy, loadProxy } from 'sluice/proxy'
 *
 * const { plan, diagnostics } = loadProxy({ files: ['haproxy.cfg'], env: process.env })
 * for (const each of diagnostics) console.error(each.place.line, each.message)
 * if (plan !== undefined) {
 *   const proxy = createProxy(plan)
 *   await proxy.start()
 * }
 * ```
 */
export function loadProxy(options: LoadOptions): LoadedProxy {
  return loadExtended(options, {})
}
