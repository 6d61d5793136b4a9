/**
 * What systemd is told of an agent: that it is ready, and that its event loop turns. Node.js has no datagram sockets of
 * the unix kind, which NOTIFY_SOCKET is, so `systemd-notify` says it: a process each time.
 */
import { execFile } from 'node:child_process'
import { requireArgument, type Specs } from '../base/options.ts'
import type { Logger } from '../base/logger.ts'
import { loggerOption, resolveLogging } from '../base/logger-option.ts'
import { stderrLogger } from '../base/stderr-logger.ts'

/** See each key. */
export interface SystemdOptions {
  /** As `AgentOptions.logger`. @default warnings and errors as lines on standard error */
  logger?: Logger | false | undefined
}

const specs: Specs<SystemdOptions> = { logger: loggerOption(stderrLogger) }

/** How often is looked whether the agent is ready, in milliseconds. */
const readyInterval = 100
/** A systemd that takes nothing must not gather processes, in milliseconds. */
const longestCall = 5000

/**
 * Tells systemd `READY=1` once `agent.ready` says so, and `WATCHDOG=1` twice in each `WatchdogSec` from then on: call it
 * behind `listen()`. The unit needs `Type=notify` and `NotifyAccess=all`. Without NOTIFY_SOCKET in the environment
 * it does nothing. Answers a function that ends it; it keeps no process alive.
 * @throws UsageError `ERR_SLUICE_OPTION`.
 */
export function notifySystemd(agent: { readonly ready: boolean }, options: SystemdOptions = {}): () => void {
  const canTell = typeof agent === 'object' && agent !== null && 'ready' in agent
  requireArgument(canTell, 'notifySystemd: the agent', 'must say whether it is ready', agent)
  const { logger } = resolveLogging(specs, options, 'notifySystemd')
  const { NOTIFY_SOCKET: socket = '' } = process.env
  if (socket === '') return () => {}
  let calling = false
  let complained = false
  let watchdog: NodeJS.Timeout | undefined
  const tell = (state: string) => {
    if (calling) return
    calling = true
    execFile('systemd-notify', [state], { timeout: longestCall }, (err) => {
      calling = false
      if (err === null || complained) return
      complained = true
      logger.error(
        { err },
        `systemd was not told ${state}: the unit needs systemd-notify and NotifyAccess=all`,
      )
    })
  }
  const look = () => {
    if (!agent.ready) return
    clearInterval(looking)
    tell('READY=1')
    const interval = watchdogInterval()
    if (interval !== undefined) watchdog = setInterval(() => tell('WATCHDOG=1'), interval).unref()
  }
  const looking = setInterval(look, readyInterval).unref()
  look()
  return () => {
    clearInterval(looking)
    clearInterval(watchdog)
  }
}

/** Half of `WatchdogSec`, as sd_watchdog_enabled(3) advises, in milliseconds; undefined without one that is for us. */
function watchdogInterval(): number | undefined {
  const { WATCHDOG_USEC: microseconds = '', WATCHDOG_PID: pid } = process.env
  if (!/^[1-9]\d*$/.test(microseconds) || (pid !== undefined && pid !== String(process.pid))) return undefined
  return Math.max(1, Number(microseconds) / 2000)
}
