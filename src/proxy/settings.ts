/** The options of a running proxy, and how they are checked. */
import { defaults } from '../config/index.ts'
import type { Global } from '../config/index.ts'
import type { ExchangeRecorder } from '../engine/index.ts'
import { loggerOption, resolveLogging } from '../base/logger-option.ts'
import type { Logging } from '../base/logger-option.ts'
import type { Logger } from '../base/logger.ts'
import { hasMethods, integer, milliseconds, optional } from '../base/options.ts'
import type { OptionSpec, Specs } from '../base/options.ts'

/** Milliseconds and bytes. */
export interface ProxyOptions {
  /** Largest head of a request or response. @default `tune.bufsize`, 16384 */
  maxHeadSize?: number | undefined
  /** Most header fields of a message. @default `tune.http.maxhdr` without the first line, 100 */
  maxHeaders?: number | undefined
  /** Most bytes of a body that rules may see (`option http-buffer-request`). @default `tune.bufsize`, 16384 */
  maxBufferSize?: number | undefined
  /** How long a connection that is being closed may still take in what the client sends. @default 1000 */
  lingerTimeout?: number | undefined
  /** How long `close` waits for its clients, who are cut off then; 0: without limit. @default `hard-stop-after`, 0 */
  hardStopAfter?: number | undefined
  /** Told about servers going down and up, and about faults. @default silent */
  logger?: Logger | false | undefined
  /** Sees what agents are asked and answer; each SPOE filter is a source, called as its engine. @default none */
  recorder?: ProxyRecorder | undefined
  /**
   * Takes `log stdout` lines, each without its line feed; its characters are bytes (latin1).
   * @default process.stdout, with a queue of 1 MiB: lines that its reader leaves no room for are lost and counted
   */
  stdout?: ((line: string) => void) | undefined
  /** Takes `log stderr` lines. @default process.stderr, in the same way */
  stderr?: ((line: string) => void) | undefined
}

/** What `createRecorder` of `sluice/recording` makes. */
export interface ProxyRecorder {
  /** A recorder for one of several engines. */
  source(name: string): ExchangeRecorder
}

const recorder: OptionSpec<ProxyRecorder | undefined> = {
  fallback: undefined,
  check: (given) => (hasMethods(given, 'source') ? undefined : 'must be an object with source()'),
}

const specs: Specs<ProxyOptions> = {
  maxHeadSize: integer(defaults.bufferSize, { min: 256, max: 1_048_576 }),
  maxHeaders: integer(defaults.maxHeaders - 1, { min: 1, max: 32_767 }),
  maxBufferSize: integer(defaults.bufferSize, { min: 256, max: 1_048_576 }),
  lingerTimeout: milliseconds(1000, { max: 60_000 }),
  hardStopAfter: milliseconds(0),
  logger: loggerOption(),
  recorder,
  stdout: optional<(line: string) => void>('function'),
  stderr: optional<(line: string) => void>('function'),
}

/** Every option with a value. */
export type ProxySettings = Logging<ProxyOptions>

/**
 * Fills the gaps, first with what the `global` section says.
 * @throws UsageError `ERR_SLUICE_OPTION`
 */
export function resolveProxyOptions(given: ProxyOptions, global: Global): ProxySettings {
  const { bufferSize, maxHeaders, hardStopAfter } = global
  const tuned: ProxyOptions = {
    ...(bufferSize === undefined ? {} : { maxHeadSize: bufferSize, maxBufferSize: bufferSize }),
    ...(maxHeaders === undefined ? {} : { maxHeaders: Math.max(1, maxHeaders - 1) }),
    ...(hardStopAfter === undefined ? {} : { hardStopAfter }),
  }
  // What is no object of options leaves nothing when it is taken apart.
  resolveLogging(specs, given, 'createProxy')
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return resolveLogging(specs, { ...tuned, ...said }, 'createProxy')
}
