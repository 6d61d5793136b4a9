/** `sluice run -f haproxy.cfg`: the proxy, until a signal. */
import { formatEndpoint } from '../endpoint.ts'
import type { LogLevel } from '../logger.ts'
import { createProxy, loadProxy } from '../proxy/index.ts'
import { createStderrLogger, note, print, printDiagnostics } from './output.ts'
import { closeOnSignal } from './signals.ts'

/** Resolves to the exit code: 1 for a configuration with errors, or an address that cannot be listened on. */
export async function runCommand(files: readonly string[], logLevel: LogLevel): Promise<number> {
  const { diagnostics, plan } = loadProxy({ files, env: process.env, cwd: process.cwd() })
  if (printDiagnostics(diagnostics) || plan === undefined) return 1
  const proxy = createProxy(plan, { logger: createStderrLogger(logLevel) })
  await proxy.start()
  for (const [frontend, addresses] of proxy.addresses) {
    for (const address of addresses) print(`${frontend}: listening on ${formatEndpoint(address)}`)
  }
  note('send SIGTERM or press Ctrl-C to close gracefully')
  await closeOnSignal(() => proxy.close())
  return 0
}
