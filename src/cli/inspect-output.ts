/** How the `inspect` commands print entries. */
import { UsageError } from '../base/errors.ts'
import type { InspectSettings } from '../inspect/conversation.ts'
import type { Entry, Protocol } from '../inspect/entry.ts'
import { formatJson } from '../inspect/json.ts'
import { formatEntry } from '../inspect/text.ts'
import { parseDuration } from './bench-values.ts'
import { print } from './output.ts'

/** What everything that prints frames takes. */
export interface InspectOutputOptions {
  readonly protocol?: Protocol | 'auto'
  /** A duration, as `500ms`. */
  readonly processingTimeout?: string
  readonly varPrefix?: string
  readonly showSecrets?: boolean
  readonly sources?: boolean
  readonly json?: boolean
}

/** Characters of a value that a line shows. */
const longestValue = 120

/** How connections are read. @throws UsageError `ERR_SLUICE_OPTION`. */
export function readInspectSettings(options: InspectOutputOptions): InspectSettings {
  const { varPrefix, processingTimeout, showSecrets } = options
  if (varPrefix !== undefined && !/^[a-zA-Z0-9_.]{1,50}$/.test(varPrefix)) {
    throw new UsageError(
      'ERR_SLUICE_OPTION',
      `--var-prefix ${varPrefix}: 1 to 50 of a-z, A-Z, 0-9, '.' and '_'`,
    )
  }
  const timeout =
    processingTimeout === undefined ? undefined : parseDuration('--processing-timeout', processingTimeout, 1)
  return { varPrefix, processingTimeout: timeout, showSecrets: showSecrets === true }
}

/** A function that prints entries as the options say. */
export function createPrinter({ json, sources }: InspectOutputOptions): (entry: Entry) => void {
  if (json === true) return (entry) => print(formatJson(entry))
  const colour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined
  const text = { longestValue, colour, sources: sources === true }
  return (entry) => print(formatEntry(entry, text).join('\n'))
}
