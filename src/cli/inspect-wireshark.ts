/** `sluice inspect wireshark`: the dissector for SPOP, printed or installed. */
import { readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { errorMessage, UsageError } from '../base/errors.ts'
import { note, print } from './output.ts'
import { makeFolder } from './write-file.ts'

/** The options of the command, as commander hands them over. */
export interface InspectWiresharkOptions {
  readonly install?: boolean
  readonly folder?: string
}

const script = new URL('../inspect/spop.lua', import.meta.url)

/** Where Wireshark looks for the plugins of its user: the same for tshark. */
function pluginFolder(): string {
  const { APPDATA } = process.env
  if (process.platform === 'win32' && APPDATA !== undefined) return join(APPDATA, 'Wireshark', 'plugins')
  return join(homedir(), '.local', 'lib', 'wireshark', 'plugins')
}

/**
 * Prints the script, or writes it into the folder of the user's plugins, and says where. Answers the exit code.
 * @throws UsageError `ERR_SLUICE_OPTION` when it cannot be written, or another file is in its place.
 */
export function inspectWiresharkCommand({ install, folder }: InspectWiresharkOptions): number {
  const text = readFileSync(script, 'utf8')
  if (install !== true && folder === undefined) {
    print(text.trimEnd())
    note('--install writes it into the plugin folder of Wireshark')
    return 0
  }
  const place = folder ?? pluginFolder()
  const path = join(place, 'spop.lua')
  try {
    makeFolder('--folder', place)
    checkReplaced(path, text)
    writeFileSync(path, text)
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError('ERR_SLUICE_OPTION', `cannot install: ${errorMessage(error)}`, error)
  }
  print(path)
  note('Wireshark and tshark load it when they start; not when they run as root')
  return 0
}

/** An older one of ours is replaced, nobody else's. */
function checkReplaced(path: string, text: string): void {
  let there: string
  try {
    there = readFileSync(path, 'utf8')
  } catch {
    return
  }
  if (there.split('\n')[0] !== text.split('\n')[0])
    throw new UsageError('ERR_SLUICE_OPTION', `${path} is there already, and is another script: --folder DIR`)
}
