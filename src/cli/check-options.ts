/** What `sluice check` takes. A wrong call ends with 2, so that scripts can tell it from a wrong configuration. */
import { InvalidArgumentError, Option } from 'commander'
import type { Command } from 'commander'
import { formatBranch, parseBranch, registryBranch } from '../lint/version.ts'
import type { HaproxyBranch } from '../lint/version.ts'

/** Options of `sluice check`. */
export interface CheckOptions {
  readonly for: 'sluice' | 'haproxy'
  /** Undefined: any for advice, {@link registryBranch} for what is refused. */
  readonly haproxyVersion?: HaproxyBranch
  /** The scope of a SPOE file alone; undefined: all of them. */
  readonly engine?: string
  /** Milliseconds that an agent takes at most. */
  readonly agentDeadline?: number
  readonly json?: boolean
  readonly denyWarnings?: boolean
}

/** The exit code of a command that was called wrongly. */
export const usageExit = 2

/** Describes the command; `run` gets the files of `-f` and those without. */
export function describeCheck(
  command: Command,
  run: (files: readonly string[], options: CheckOptions) => Promise<void>,
): void {
  command
    .description('report everything that is wrong with configuration files or SPOE files')
    .argument('[file...]', 'configuration files, folders of .cfg files, or SPOE files')
    .option('-f, --file <file>', 'the same; may be repeated', collect)
    .addOption(
      new Option('--for <program>', 'who will run it: what only sluice lacks is no error for haproxy')
        .choices(['sluice', 'haproxy'])
        .default('sluice'),
    )
    .addOption(
      new Option(
        '--haproxy-version <version>',
        `which HAProxy, from 1.8 (default: ${formatBranch(registryBranch)})`,
      )
        .argParser(branch)
        .implies({ for: 'haproxy' }),
    )
    .option('--engine <name>', 'only this scope of a SPOE file')
    .addOption(
      new Option('--agent-deadline <ms>', 'how long your agent takes at most, in milliseconds').argParser(
        milliseconds,
      ),
    )
    .option('--deny-warnings', 'fail when there is a warning')
    .option('--json', 'one JSON object a line for each diagnostic, and nothing else')
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : usageExit))
    .action((files: string[], { file = [], ...options }: CheckOptions & { file?: string[] }) => {
      const all = [...file, ...files]
      if (all.length === 0) command.error("error: missing argument 'file'")
      return run(all, options)
    })
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}

function branch(text: string): HaproxyBranch {
  const parsed = parseBranch(text)
  if (parsed === undefined) throw new InvalidArgumentError('write a version from 1.8 to 3.5')
  return parsed
}

function milliseconds(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('write a number of milliseconds')
  return Number(text)
}
