/** `loadProxy`: from files to a plan. */
import { checkLoadOptions } from './load-options.ts'
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
 * @throws UsageError `ERR_SLUICE_OPTION`. What is wrong in the files is told in `diagnostics`.
 */
export function loadProxy(options: LoadOptions): LoadedProxy {
  checkLoadOptions(options)
  return loadExtended(options, {})
}
