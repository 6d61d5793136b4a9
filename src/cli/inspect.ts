/** `sluice inspect --listen A --forward B`: the man in the middle. */
import { UsageError } from '../base/errors.ts'
import { formatEndpoint, parseEndpoint, type Endpoint } from '../net/endpoint.ts'
import { Inspector } from '../inspect/inspector.ts'
import { Tap, type Meddling } from '../inspect/tap.ts'
import { parseDuration } from './bench-values.ts'
import { createClock } from './inspect-clock.ts'
import { createPrinter, readInspectSettings, type InspectOutputOptions } from './inspect-output.ts'
import { PcapFile } from './inspect-pcap.ts'
import { note } from './output.ts'
import { serveUntilSignal } from './signals.ts'

/** The options of the command, as commander hands them over. */
export interface InspectCommandOptions extends InspectOutputOptions {
  readonly listen?: string
  readonly forward?: string
  /** `NAME=TIME`, each. */
  readonly delay?: readonly string[]
  readonly drop?: readonly string[]
  /** A file for a capture. */
  readonly pcap?: string
}

/** How long a connection to the agent may take, in milliseconds. */
const connectTimeout = 10_000

/**
 * Runs until a signal ends it. Answers the exit code.
 * @throws UsageError `ERR_SLUICE_ADDRESS`, `ERR_SLUICE_OPTION`; the error of the system when it cannot listen.
 */
export async function inspectCommand(options: InspectCommandOptions): Promise<number> {
  const print = createPrinter(options)
  const pcap = options.pcap === undefined ? undefined : new PcapFile(options.pcap)
  const inspector = new Inspector({
    ...readInspectSettings(options),
    protocol: options.protocol ?? 'auto',
    onEntry: (entry) => {
      tap.onEntry(entry)
      pcap?.onEntry(entry)
      print(entry)
    },
    onBytes: (connection, from, bytes, time) => pcap?.onBytes(connection, from, bytes, time),
  })
  const forward = endpointOf('--forward', options.forward)
  const listen = endpointOf('--listen', options.listen)
  if (reaches(forward, listen)) {
    const message = `--forward ${formatEndpoint(forward)} is the address of --listen: it would forward to itself`
    throw new UsageError('ERR_SLUICE_OPTION', message)
  }
  const tap = new Tap(inspector, {
    listen,
    forward,
    meddling: readMeddling(options),
    now: createClock(),
    onTrouble: note,
    connectTimeout,
  })
  const open = async () => {
    const bound = await tap.listen()
    note(`inspecting ${formatEndpoint(bound)} -> ${formatEndpoint(forward)}; Ctrl-C ends it`)
    if (options.processingTimeout === undefined && options.protocol !== 'fcgi') {
      note("--processing-timeout TIME, as HAProxy's timeout processing, tells answers that are late")
    }
  }
  await serveUntilSignal(open, () => tap.close(), { quiet: true })
  pcap?.close()
  return 0
}

function endpointOf(flag: string, given: string | undefined): Endpoint {
  if (given === undefined) {
    const what = '--listen ADDRESS and --forward ADDRESS belong together; other ways: sluice inspect --help'
    throw new UsageError('ERR_SLUICE_OPTION', `${flag} is missing: ${what}`)
  }
  return parseEndpoint(given)
}

/** Whether a connection to `to` would arrive at `at`, as far as their texts tell. */
function reaches(to: Endpoint, at: Endpoint): boolean {
  if (to.type !== 'tcp' || at.type !== 'tcp') return formatEndpoint(to) === formatEndpoint(at)
  if (to.port !== at.port || at.port === 0) return false
  const isLocal = /^(?:localhost|127\..*|::1|0\.0\.0\.0|::)$/
  const isAny = at.host === '0.0.0.0' || at.host === '::'
  return to.host === at.host || (isAny && isLocal.test(to.host))
}

function readMeddling({ delay = [], drop = [], protocol }: InspectCommandOptions): Meddling {
  if (protocol === 'fcgi' && delay.length + drop.length > 0) {
    throw new UsageError('ERR_SLUICE_OPTION', '--delay and --drop name messages of SPOP: FastCGI has none')
  }
  return { delays: new Map(delay.map(readDelay)), drops: new Set(drop) }
}

function readDelay(text: string): readonly [name: string, ms: number] {
  const at = text.lastIndexOf('=')
  if (at < 1) throw new UsageError('ERR_SLUICE_OPTION', `--delay ${text}: wanted NAME=TIME, as check=50ms`)
  const name = text.slice(0, at)
  return [name, parseDuration(`--delay ${name}=`, text.slice(at + 1))]
}
