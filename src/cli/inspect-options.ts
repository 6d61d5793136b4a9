/** What `sluice inspect` and its sub-commands take. What they do is in the files of their names. */
import { InvalidArgumentError, Option, type Command } from 'commander'
import type { InspectCommandOptions } from './inspect.ts'
import type { InspectCallOptions } from './inspect-call.ts'
import type { InspectReadOptions } from './inspect-read.ts'
import type { InspectWiresharkOptions } from './inspect-wireshark.ts'

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
    .option(
      '--processing-timeout <time>',
      "HAProxy's timeout processing, as 500ms: answers behind it are late",
    )
    .option('--var-prefix <name>', "HAProxy's option var-prefix: what names of variables have room for")
    .option('--show-secrets', 'do not hide cookies, Authorization, tokens and passwords')
    .option('--sources', 'show where each rule comes from')
    .option('--json', 'a JSON object for each line')
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new InvalidArgumentError('a port is a number up to 65535')
  return port
}

/** Describes the command. */
export function describeInspect(command: Command, finish: Finish): void {
  // Before the sub-commands, which inherit it: 1 is for what was found wrong.
  command.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
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
    .option('--pcap <file>', 'write what passes as a capture for Wireshark')
    .option('--drop <name>', 'never pass on a NOTIFY with this message; may be repeated', collect)
    .action((options: InspectCommandOptions) =>
      finish(async () => (await import('./inspect.ts')).inspectCommand(options), 2),
    )
  describeOutput(
    command
      .command('read')
      .description('print what a capture holds: pcap, pcapng, or frames in hexadecimal')
      .argument('<file>', 'the capture; - is standard input'),
  )
    .addOption(new Option('--port <port>', 'only connections from or to this port').argParser(parsePort))
    .option('--wrong', 'print only what something is wrong with')
    .action((file: string, options: InspectReadOptions) =>
      finish(async () => (await import('./inspect-read.ts')).inspectReadCommand(file, options), 2),
    )
  command
    .command('explain')
    .description(
      "what a code of set-on-error, of st= in HAProxy's log or of a DISCONNECT means, and what helps",
    )
    .argument('[code...]', 'as 1, 259 or 256+3; all of them when none is given')
    .option('--json', 'a JSON object for each')
    .action((codes: string[], options: { json?: boolean }) =>
      finish(async () => (await import('./inspect-explain.ts')).inspectExplainCommand(codes, options), 2),
    )
  command
    .command('wireshark')
    .description('print or install the dissector that shows SPOP in Wireshark and tshark')
    .option('--install', "write it into the user's plugin folder, and say where that is")
    .option('--folder <path>', 'write it there instead')
    .action((options: InspectWiresharkOptions) =>
      finish(async () => (await import('./inspect-wireshark.ts')).inspectWiresharkCommand(options), 2),
    )
  describeCall(command, finish)
}

function describeCall(command: Command, finish: Finish): void {
  describeOutput(
    command
      .command('call')
      .description('ask once, and print what both say')
      .argument(
        '<target>',
        'spop://host:port, spops://host:port, spop+unix:///path, fcgi://host:port or fcgi+unix:///path',
      ),
  )
    .option('--message <name>', 'the message to send to an agent')
    .option('--arg <name=type:value>', 'an argument of it; may be repeated', collect)
    .option('--param <name=value>', 'a parameter for a FastCGI application; may be repeated', collect)
    .option('--body <file>', 'what the FastCGI application gets as body')
    .option('--timeout <time>', 'how long the answer may take', '2s')
    .option('--ca <file>', 'certificates that spops:// trusts')
    .option('--insecure', 'spops:// trusts any certificate')
    .option('--cert <file>', 'certificate that is shown to spops://, for mutual TLS')
    .option('--key <file>', 'its key')
    .action((target: string, options: InspectCallOptions) =>
      finish(async () => (await import('./inspect-call.ts')).inspectCallCommand(target, options), 2),
    )
}
