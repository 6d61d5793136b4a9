/** `sluice inspect read FILE`: a capture, or frames in hexadecimal. */
import { readFileSync } from 'node:fs'
import { errorMessage, UsageError } from '../base/errors.ts'
import { isCapture } from '../inspect/capture/packets.ts'
import { readCapture, type CaptureSummary } from '../inspect/capture/read-capture.ts'
import { readHex } from '../inspect/capture/read-hex.ts'
import type { Entry, Protocol, Severity } from '../inspect/entry.ts'
import { Inspector } from '../inspect/inspector.ts'
import { createPrinter, readInspectSettings, type InspectOutputOptions } from './inspect-output.ts'
import { note } from './output.ts'

/** The options of the command, as commander hands them over. */
export interface InspectReadOptions extends InspectOutputOptions {
  readonly port?: number
  /** Print only frames with something wrong. */
  readonly wrong?: boolean
}

/**
 * Reads a file, or standard input for `-`. Answers the exit code: 1 when there is an error among what was found.
 * @throws UsageError `ERR_SLUICE_OPTION`.
 */
export function inspectReadCommand(path: string, options: InspectReadOptions): number {
  const file = readInput(path)
  const print = createPrinter(options)
  const counts: Record<Severity, number> = { error: 0, warning: 0, note: 0 }
  const inspector = new Inspector({
    ...readInspectSettings(options),
    protocol: options.protocol ?? 'auto',
    onEntry: (entry: Entry) => {
      for (const { severity } of entry.findings) counts[severity]++
      const isWrong = entry.findings.some(({ severity }) => severity !== 'note')
      if (options.wrong !== true || isWrong) print(entry)
    },
  })
  const any = options.protocol !== undefined && options.protocol !== 'auto'
  if (isCapture(file)) {
    tellSummary(readCapture(file, inspector, { port: options.port, any }))
  } else {
    readHexFile(path, file, inspector, options.protocol ?? 'auto')
  }
  note(`${counts.error} errors, ${counts.warning} warnings`)
  return counts.error === 0 ? 0 : 1
}

function readHexFile(path: string, file: Buffer, inspector: Inspector, protocol: Protocol | 'auto'): void {
  try {
    readHex(file.toString('latin1'), inspector, protocol, Date.now())
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    const what = 'neither a capture (pcap, pcapng) nor frames in hexadecimal'
    throw new UsageError('ERR_SLUICE_OPTION', `${path}: ${what}: ${error.message}`, error)
  }
}

/** Standard input is descriptor 0. */
function readInput(path: string): Buffer {
  try {
    const file = readFileSync(path === '-' ? 0 : path)
    if (file.length > 0) return file
  } catch (error) {
    throw new UsageError('ERR_SLUICE_OPTION', `${path}: ${errorMessage(error)}`, error)
  }
  throw new UsageError('ERR_SLUICE_OPTION', `${path}: there is nothing in it`)
}

function tellSummary({ packets, connections, others, unknownLinks }: CaptureSummary): void {
  const rest =
    others === 0 ? '' : `, ${others} that speak something else (--protocol takes them for SPOP or FastCGI)`
  note(`${packets} packets, ${connections} connections${rest}`)
  if (unknownLinks > 0)
    note(`${unknownLinks} packets are of a link layer that is not known: capture with -i lo or -i any`)
}
