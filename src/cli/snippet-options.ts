/** What `sluice snippet` takes. */
import type { Command } from 'commander'

/** Options of `sluice snippet`. */
export interface SnippetCommandOptions {
  readonly haproxy: string
  readonly config?: string
  readonly group?: boolean
  readonly server?: readonly string[]
  readonly write?: string
}

/** Describes the command. */
export function describeSnippet(
  command: Command,
  run: (names: readonly string[], options: SnippetCommandOptions) => Promise<void>,
): void {
  command
    .description(
      'print the SPOE file and haproxy.cfg for ready agents, with what happens when they do not answer',
    )
    .argument('[names...]', 'ready agents, or entries of the configuration')
    .option('--haproxy <version>', 'for this HAProxy: 2.6, 3.2, or 3.x for 3.1 and later', '2.6')
    .option('-c, --config <file>', 'as this configuration of the agents says')
    .option('--group', 'messages are sent by rules (send-spoe-group), not by an event')
    .option('--server <address>', 'where an agent listens; may be repeated', collect)
    .option('--write <folder>', 'write the files there instead')
    .action(run)
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}
