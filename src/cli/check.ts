/** `sluice check -f FILE…`: every complaint about a configuration, and nothing else. */
import { loadProxy } from '../proxy/index.ts'
import { print, printDiagnostics } from './output.ts'

/** The exit code is 1 when there is an error. */
export function checkCommand(files: readonly string[]): number {
  const { diagnostics } = loadProxy({ files, env: process.env, cwd: process.cwd() })
  if (printDiagnostics(diagnostics, print)) return 1
  print(`${files.join(', ')}: configuration is valid`)
  return 0
}
