/** Where log lines go, as the configuration says. */
import type { LogTarget } from '../../config/index.ts'

/** A `log` line with an address of its own. */
export type LogDestination = Extract<LogTarget, { kind: 'target' }>
