/** The options of a running proxy, and how they are checked. */
import type { Global } from '../config/index.ts'
import { silentLogger } from '../logger.ts'
import type { Logger } from '../logger.ts'
import { integer, resolveOptions } from '../options.ts'
import type { OptionSpec, Resolved, Specs } from '../options.ts'

/** Milliseconds and bytes. */
export interface ProxyOptions {
  /** Largest head of a request or response. @default `tune.bufsize`, 16384 */
  maxHeadSize?: number
  /** Most header fields of a message. @default `tune.http.maxhdr`, 101 */
  maxHeaders?: number
  /** Most bytes of a body that rules may see (`option http-buffer-request`). @default `tune.bufsize`, 16384 */
  maxBufferSize?: number
  /** How long a connection that is being closed may still take in what the client sends. @default 1000 */
  lingerTimeout?: number
  /** Told about servers going down and up, and about faults. @default silent */
  logger?: Logger
  /** Where `log stdout` lines go, each without its line feed. @default process.stdout */
  stdout?: (line: string) => void
  /** Where `log stderr` lines go. @default process.stderr */
  stderr?: (line: string) => void
}

const logger: OptionSpec<Logger> = {
  fallback: silentLogger,
  check: (given) => (typeof given === 'object' && given !== null ? undefined : 'must be a logger'),
}

function lines(fallback: (line: string) => void): OptionSpec<(line: string) => void> {
  return { fallback, check: (given) => (typeof given === 'function' ? undefined : 'must be a function') }
}

const specs: Specs<ProxyOptions> = {
  maxHeadSize: integer(16_384, { min: 256, max: 1_048_576 }),
  maxHeaders: integer(101, { min: 1, max: 32_767 }),
  maxBufferSize: integer(16_384, { min: 256, max: 1_048_576 }),
  lingerTimeout: integer(1000, { max: 60_000 }),
  logger,
  stdout: lines((line) => void process.stdout.write(`${line}\n`)),
  stderr: lines((line) => void process.stderr.write(`${line}\n`)),
}

/** Every option with a value. */
export type ProxySettings = Resolved<ProxyOptions>

/**
 * Fills the gaps, first with what the `global` section says.
 * @throws UsageError `ERR_SLUICE_OPTION`
 */
export function resolveProxyOptions(given: ProxyOptions, global: Global): ProxySettings {
  const { bufferSize, maxHeaders } = global
  const tuned: ProxyOptions = {
    ...(bufferSize === undefined ? {} : { maxHeadSize: bufferSize, maxBufferSize: bufferSize }),
    ...(maxHeaders === undefined ? {} : { maxHeaders }),
  }
  return resolveOptions(specs, { ...tuned, ...given }, 'createProxy')
}
