import { hostname } from 'node:os'
import { wallClock } from '../../base/clock.ts'
import type { LogAddress } from '../../config/index.ts'
import { facilityNumber, levelNumber } from './levels.ts'
import type { LogLevel } from './levels.ts'
import { formatLogHeader } from './header.ts'
import { DescriptorOutput, FunctionOutput, LossReport } from './output.ts'
import type { LogOutput } from './output.ts'
import { UdpOutput } from './udp.ts'
import type { LogDestination } from '../plan/log.ts'
import type { InnerPlan } from '../plan/plan.ts'
import type { ProxySettings } from '../settings.ts'

/** What a target comes to: numbers in place of words, and where its lines go. */
interface Line {
  readonly facility: number
  /** Levels that are more urgent become this one. */
  readonly least: number
  /** Levels that are less urgent are dropped. */
  readonly most: number
  readonly output: LogOutput | undefined
}

/**
 * Sends log lines to their targets: cut at the target's length, dropped below its level, and headed as its `format` says
 * (configuration.txt 4.2 "log").
 */
export class LogSink {
  readonly #settings: ProxySettings
  /** Undefined without `log-send-hostname`. */
  readonly #hostname: string | undefined
  /** Most bytes of a line without its header. */
  readonly #longest: number
  readonly #lines = new Map<LogDestination, Line>()
  /** By their addresses: targets that share one share its queue. */
  readonly #outputs = new Map<string, LogOutput>()

  constructor(plan: InnerPlan, settings: ProxySettings) {
    const { logSendHostname } = plan.global
    this.#hostname = logSendHostname === '' ? hostname() : logSendHostname
    this.#longest = longestLine(plan)
    this.#settings = settings
  }

  /** Sends a line to every target that takes its level. */
  send(
    targets: readonly LogDestination[],
    tag: string,
    level: LogLevel,
    text: string,
    structured = '',
  ): void {
    const line = cut(text, this.#longest)
    for (const target of targets) {
      const { facility, least, most, output } = this.#lineTo(target)
      const number = Math.max(levelNumber(level), least)
      if (number > most) continue
      const header = formatLogHeader(target, {
        facility,
        level: number,
        date: wallClock(),
        hostname: this.#hostname,
        tag,
        pid: process.pid,
        structured,
      })
      output?.write(cut(header + line, target.length))
    }
  }

  #lineTo(target: LogDestination): Line {
    let line = this.#lines.get(target)
    if (line === undefined) {
      line = {
        facility: facilityNumber(target.facility),
        least: levelNumber(target.minLevel),
        most: levelNumber(target.level),
        output: this.#outputTo(target.to),
      }
      this.#lines.set(target, line)
    }
    return line
  }

  /** Resolves when the last lines have left, or a moment later. */
  async close(): Promise<void> {
    const outputs = [...this.#outputs.values()]
    this.#outputs.clear()
    this.#lines.clear()
    await Promise.all(outputs.map((each) => each.close()))
  }

  #outputTo(address: LogAddress): LogOutput | undefined {
    // Node has no datagram sockets of this kind; the reader of the configuration has said so.
    if (address.type === 'unix') return undefined
    const name = addressName(address)
    let output = this.#outputs.get(name)
    if (output === undefined) {
      output = this.#open(address, name)
      this.#outputs.set(name, output)
    }
    return output
  }

  #open(address: Exclude<LogAddress, { type: 'unix' }>, name: string): LogOutput {
    const { logger, stdout, stderr } = this.#settings
    const report = new LossReport(name, logger)
    if (address.type === 'udp') return new UdpOutput(address.host, address.port, report)
    if (address.type === 'fd') return new DescriptorOutput(address.fd, report)
    const [fd, taker] = address.type === 'stdout' ? [1, stdout] : [2, stderr]
    return taker === undefined ? new DescriptorOutput(fd, report) : new FunctionOutput(taker, logger)
  }
}

/** As the configuration writes it. */
function addressName(address: Exclude<LogAddress, { type: 'unix' }>): string {
  if (address.type === 'udp') return `${address.host}:${address.port}`
  return address.type === 'fd' ? `fd@${address.fd}` : address.type
}

/** As in HAProxy, whose buffer for a line is as large as the largest `len` there is and ends with a zero. */
function longestLine({ global, proxies }: InnerPlan): number {
  const owners = proxies.flatMap((each) => [
    each,
    ...each.filters,
    ...(each.fcgi === undefined ? [] : [each.fcgi]),
  ])
  const targets = [...owners.flatMap((each) => each.logTargets), ...global.logs]
  return Math.max(0, ...targets.map((each) => (each.kind === 'target' ? each.length - 1 : 0)))
}

function cut(line: string, length: number): string {
  return line.length > length ? line.slice(0, length) : line
}
