/** `sluice check FILE…`: every complaint about a configuration or a SPOE file, and nothing else. */
import { Buffer } from 'node:buffer'
import type { ConfigSource, Diagnostic } from '../config/index.ts'
import {
  asHaproxySees,
  checkSpoeFile,
  createSubject,
  lint,
  registryBranch,
  spoeScopes,
  type LintSubject,
} from '../lint/index.ts'
import { loadProxy } from '../proxy/index.ts'
import { withoutConsequences } from '../proxy/loader.ts'
import { usageExit, type CheckOptions } from './check-options.ts'
import { CheckSources } from './check-sources.ts'
import { note, print, printDiagnostics, sortDiagnostics } from './output.ts'

/** The exit code: 0, 1 for errors (or denied warnings), 2 when the command was called wrongly. */
export function checkCommand(names: readonly string[], options: CheckOptions): number {
  const sources = new CheckSources(names)
  if (options.engine !== undefined && sources.spoeFiles.length === 0) {
    note('error: --engine needs a SPOE file')
    return usageExit
  }
  if (sources.names.length + sources.spoeFiles.length === 0) {
    note(`error: ${names.join(', ')}: a folder is read for its .cfg files, and there are none`)
    return usageExit
  }
  const list = examineSources(sources, options)
  if (options.json === true) for (const each of list) print(formatJson(each))
  else printDiagnostics(list, print, (file) => sources.lines(file))
  const failed = list.some(
    ({ severity }) => severity === 'error' || (severity === 'warning' && options.denyWarnings),
  )
  if (failed) return 1
  if (options.json !== true) print(`${names.join(', ')}: ${verdict(options)}`)
  return 0
}

function verdict(options: CheckOptions): string {
  return options.for === 'haproxy' ? 'nothing that HAProxy would refuse was found' : 'configuration is valid'
}

/** What there is to say about the files, in their order. */
export function examine(names: readonly string[], options: CheckOptions): Diagnostic[] {
  return examineSources(new CheckSources(names), options)
}

function examineSources(sources: CheckSources, options: CheckOptions): Diagnostic[] {
  const { configuration, env } = sources
  const scopes = (file: ConfigSource) => (options.engine === undefined ? spoeScopes(file) : [options.engine])
  const subject = createSubject({
    configuration,
    spoeFiles: sources.spoeFiles.map((file) => ({ ...file, scopes: scopes(file) })),
    env,
    agentDeadline: options.agentDeadline,
    branch: options.haproxyVersion,
    readBy: options.for,
    readSpoeFile: (name) => sources.text(name),
  })
  const loaded = sources.names.length === 0 ? [] : loadProxy({ files: sources.names, env }).diagnostics
  // Which agents are mounted is said when it is run.
  const found = loaded.filter(({ code }) => code !== 'ERR_PROXY_AGENT')
  const alone = sources.spoeFiles.flatMap((file) =>
    scopes(file).flatMap((scope) => checkSpoeFile(file, env, scope)),
  )
  const list = judged([...found, ...withoutConsequences(alone).map(readable)], subject, options)
  const whole = !list.some(({ severity }) => severity === 'error')
  return sortDiagnostics(unique([...list, ...lint(subject, whole).map(readable)]))
}

function judged(
  list: readonly Diagnostic[],
  subject: LintSubject,
  options: CheckOptions,
): readonly Diagnostic[] {
  if (options.for !== 'haproxy') return list
  return asHaproxySees(list, subject, options.haproxyVersion ?? registryBranch)
}

/** Inside, text has one character for each byte; people read UTF-8. */
function readable(diagnostic: Diagnostic): Diagnostic {
  return { ...diagnostic, message: Buffer.from(diagnostic.message, 'latin1').toString('utf8') }
}

/** A SPOE file may be read by several filters, and its scopes are looks at the same file. */
function unique(list: readonly Diagnostic[]): Diagnostic[] {
  const byKey = new Map(list.map((each) => [JSON.stringify([each.place, each.code, each.message]), each]))
  return [...byKey.values()]
}

function formatJson({ place, severity, code, message, hint }: Diagnostic): string {
  return JSON.stringify({ ...place, severity, code, message, hint })
}
