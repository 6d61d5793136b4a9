/**
 * Where log lines go: standard output and error, UDP. Lines are cut at the target's length, dropped below its level, and
 * headed as its `format` says (configuration.txt 4.2 "log").
 */
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { createWriteStream } from 'node:fs'
import type { WriteStream } from 'node:fs'
import { hostname } from 'node:os'
import { wallClock } from '../../clock.ts'
import type { LogTarget } from '../../config/index.ts'
import { formatIp } from '../../ip.ts'
import { facilityNumber, levelNumber } from './levels.ts'
import type { LogLevel } from './levels.ts'
import { formatLogHeader } from './header.ts'
import type { Plan, ProxyPlan } from '../plan/plan.ts'
import type { ProxySettings } from '../settings.ts'
import type { ProxyStream } from '../stream/stream.ts'
import type { SampleEndpoint } from '../../sample/stream.ts'

/** A `log` line with an address of its own. */
export type LogDestination = Extract<LogTarget, { kind: 'target' }>

/** See the head of this file. */
export class LogSink {
  readonly #plan: Plan
  readonly #settings: ProxySettings
  #udp4: Socket | undefined
  #udp6: Socket | undefined
  readonly #files = new Map<number, WriteStream>()

  constructor(plan: Plan, settings: ProxySettings) {
    this.#plan = plan
    this.#settings = settings
  }

  /** The line of a stream that has ended. */
  stream(plan: ProxyPlan, stream: ProxyStream): void {
    if (plan.logTargets.length === 0) return
    if (plan.model.options.dontLogNull && stream.bytesRead === 0 && stream.bytesUploaded === 0) return
    if (stream.logLevel === 'silent') return
    stream.direction = 'response'
    const text = plan.logFormat === undefined ? connectLine(stream) : plan.logFormat(stream)
    const data = plan.logFormatSd?.(stream) ?? ''
    this.send(plan.logTargets, plan.logTag, stream.logLevel ?? 'info', text, data)
  }

  /** Sends a line to every target that takes its level. */
  send(
    targets: readonly LogDestination[],
    tag: string,
    level: LogLevel,
    text: string,
    structured = '',
  ): void {
    for (const target of targets) {
      const number = Math.max(levelNumber(level), levelNumber(target.minLevel))
      if (number > levelNumber(target.level)) continue
      const priority = facilityNumber(target.facility) * 8 + number
      const header = formatLogHeader(target, {
        priority,
        date: wallClock(),
        hostname: this.#hostname(),
        tag,
        pid: process.pid,
        structured,
      })
      this.#write(target, cut(header + text, target.length))
    }
  }

  close(): void {
    this.#udp4?.close()
    this.#udp6?.close()
    this.#udp4 = this.#udp6 = undefined
    for (const file of this.#files.values()) file.end()
    this.#files.clear()
  }

  #hostname(): string {
    const given = this.#plan.global.logSendHostname
    return given === undefined || given === '' ? hostname() : given
  }

  #write({ to }: LogDestination, line: string): void {
    switch (to.type) {
      case 'stdout':
        return this.#settings.stdout(line)
      case 'stderr':
        return this.#settings.stderr(line)
      case 'fd':
        this.#file(to.fd).write(`${line}\n`, 'latin1')
        return
      case 'udp':
        this.#udp(to.host).send(Buffer.from(line, 'latin1'), to.port, to.host)
        return
      case 'unix':
        // Node has no datagram sockets of this kind; the reader of the configuration has said so.
        return
    }
  }

  #file(fd: number): WriteStream {
    let file = this.#files.get(fd)
    if (file === undefined) {
      file = createWriteStream('', { fd, autoClose: false })
      file.on('error', (error) => this.#settings.logger.warn({ err: error, fd }, 'a log cannot be written'))
      this.#files.set(fd, file)
    }
    return file
  }

  #udp(host: string): Socket {
    if (host.includes(':')) return (this.#udp6 ??= this.#createUdp('udp6'))
    return (this.#udp4 ??= this.#createUdp('udp4'))
  }

  #createUdp(type: 'udp4' | 'udp6'): Socket {
    const socket = createSocket(type)
    socket.on('error', (error) => this.#settings.logger.warn({ err: error }, 'a log line was not sent'))
    socket.unref()
    return socket
  }
}

function cut(line: string, length: number): string {
  return line.length > length ? line.slice(0, length) : line
}

/** What HAProxy logs without `option httplog`, `option tcplog` and `log-format`. */
function connectLine(stream: ProxyStream): string {
  const { session, frontend } = stream
  const mode = frontend.plan.model.mode.toUpperCase()
  return `Connect from ${show(session.source)} to ${show(session.destination)} (${frontend.name}/${mode})`
}

function show(endpoint: SampleEndpoint | undefined): string {
  return endpoint === undefined ? 'unix:1' : `${formatIp(endpoint.address)}:${endpoint.port}`
}
