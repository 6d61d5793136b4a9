/** The command line of a script, for people: `--help` prints how to use it, and a mistake is one line and not a stack. */
import { parseArgs, type ParseArgsConfig } from 'node:util'

/** See the head of this file. Ends the process with 0 after `--help`, with 2 after a mistake. */
export function readArguments<const T extends ParseArgsConfig>(
  usage: string,
  config: T,
): ReturnType<typeof parseArgs<T>> {
  if (process.argv.includes('--help')) {
    console.log(`usage: ${usage}`)
    process.exit(0)
  }
  try {
    return parseArgs(config)
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error), usage)
  }
}

/** Says what is wrong, and ends the process. */
export function refuse(complaint: string, usage: string): never {
  console.error(`${complaint}\nusage: ${usage}`)
  process.exit(2)
}
