/** What `sluice inspect` and its sub-commands take. What they do is in the files of their names. */
import { Option, type Command } from 'commander'
import { parseDuration } from './inspect-duration.ts'
import type { InspectCommandOptions } from './inspect.ts'

type Finish = (run: () => number | Promise<number>, failed?: number) => Promise<void>

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}

/** What everything that prints frames takes. */
function describeOutput(command: Command): Command {
  return command
    .addOption(
      new Option('--protocol <name>', 'which one is spoken')
        .choices(['auto', 'spop', 'fcgi'])
        .default('auto'),
    )
    .addOption(
      new Option(
        '--processing-timeout <time>',
        "HAProxy's timeout processing, as 500ms: answers behind it are late",
      ).argParser(parseDuration),
    )
    .option('--var-prefix <name>', "HAProxy's option var-prefix: what names of variables have room for")
    .option('--show-secrets', 'do not hide cookies, Authorization, tokens and passwords')
    .option('--sources', 'show where each rule comes from')
    .option('--json', 'a JSON object for each line')
}

/** Describes the command. */
export function describeInspect(command: Command, finish: Finish): void {
  describeOutput(
    command
      .description(
        'print what HAProxy and an agent (or a FastCGI application) say to each other, and what is wrong with it',
      )
      .option('--listen <address>', 'where HAProxy connects to: host:port, /path or unix@/path')
      .option('--forward <address>', 'where the agent listens'),
  )
    .option(
      '--delay <name=time>',
      'hold each NOTIFY with this message up, as check=50ms; may be repeated',
      collect,
    )
    .option('--drop <name>', 'never pass on a NOTIFY with this message; may be repeated', collect)
    .action((options: InspectCommandOptions) =>
      finish(async () => (await import('./inspect.ts')).inspectCommand(options), 2),
    )
}
