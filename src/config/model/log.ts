/** The model of `log` lines. */
import type { Place } from '../text/diagnostics.ts'

/** One `log` line. */
export type LogTarget =
  | { readonly kind: 'global'; readonly place: Place }
  | {
      readonly kind: 'target'
      readonly place: Place
      /** Where lines go: `stdout`, `stderr`, or a datagram address (UDP or a unix socket such as /dev/log). */
      readonly to: LogAddress
      /** Longer lines are cut. @default 1024 */
      readonly length: number
      /** `format`: how the header of each line is written. */
      readonly format: string | undefined
      readonly facility: string
      /** Lines less urgent than this are dropped. @default 'debug' */
      readonly level: string
      /** Lines more urgent than this are sent as if they were this urgent. @default 'emerg' */
      readonly minLevel: string
    }

/** Where log lines are written. */
export type LogAddress =
  | { readonly type: 'stdout' | 'stderr' }
  | { readonly type: 'udp'; readonly host: string; readonly port: number }
  | { readonly type: 'unix'; readonly path: string }
  | { readonly type: 'fd'; readonly fd: number }
