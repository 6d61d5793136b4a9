/**
 * The model of a configuration: what the readers produce and what the proxy runs. Values are resolved: environment
 * variables are expanded, `defaults` sections are folded into each proxy, times are milliseconds (`undefined` when not
 * set: no limit). Nothing was read from disk: file names stay words. Expressions, log formats and conditions stay
 * words too, with their places, and are compiled by `sample/`.
 */
import type { HttpErrors } from './error-pages.ts'
import type { FcgiApp } from './fcgi.ts'
import type { LogTarget } from './log.ts'
import type { Proxy } from './proxy.ts'

/** Everything that one or several configuration files say. */
export interface Config {
  readonly global: Global
  /** Every `frontend`, `backend` and `listen` in the order of the files, disabled ones included. */
  readonly proxies: readonly Proxy[]
  readonly fcgiApps: readonly FcgiApp[]
  readonly httpErrors: readonly HttpErrors[]
}

/** The `global` sections, taken together. */
export interface Global {
  readonly logs: readonly LogTarget[]
  readonly logTag: string | undefined
  /** `log-send-hostname`: the name to put into syslog headers, '' for the host's own; undefined when it is not set. */
  readonly logSendHostname: string | undefined
  /** Connections in the whole process. */
  readonly maxconn: number | undefined
  readonly nbthread: number | undefined
  readonly description: string | undefined
  readonly node: string | undefined
  /** `tune.bufsize`: the largest head, how much of a body rules may see, and the largest SPOP frame and its length. */
  readonly bufferSize: number | undefined
  /** How many `stats socket` lines there are: HAProxy runs for one alone. */
  readonly statsSockets: number
  /** `tune.http.maxhdr`: the most lines of a head, the first one included. */
  readonly maxHeaders: number | undefined
  /** `tune.http.logurilen`: bytes of a request line that are kept for the log. */
  readonly loggedRequestLine: number | undefined
  /** `tune.pattern.cache-size`: how many answers lists of patterns remember. */
  readonly patternCacheSize: number | undefined
  /** `hard-stop-after`: milliseconds that a graceful close may take; 0: any. */
  readonly hardStopAfter: number | undefined
}
