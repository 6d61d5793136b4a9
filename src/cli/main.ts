#!/usr/bin/env node
/** The `sluice` command: what each sub-command takes. What it does is in the file of its name. */
import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError, Option } from 'commander'
import { describeAgent } from './agent-options.ts'
import { describeBench } from './bench-describe.ts'
import { describeCheck } from './check-options.ts'
import { inlineMore } from './inlining.ts'
import { describeInspect } from './inspect-options.ts'
import { describeError, note, print, whyNotPrinted } from './output.ts'
import type { InitOptions } from './init.ts'
import { describeSnippet } from './snippet-options.ts'
import type { ProbeOptions } from './probe.ts'
import type { ReplayCommandOptions } from './replay.ts'
import { formatRunFlags, parseRunFlags } from './run-flags.ts'

/** Sub-commands are loaded when they are called: `--help` need not wait for a proxy. */
type Run = () => number | Promise<number>

async function finish(run: Run, failed = 1): Promise<void> {
  try {
    process.exitCode = await run()
  } catch (error) {
    note(`sluice: ${describeError(error)}`)
    process.exitCode = failed
  }
  await flush(process.stdout)
  const unwritten = whyNotPrinted()
  if (unwritten !== undefined) {
    note(`sluice: ${unwritten}`)
    process.exitCode = failed
  }
  await flush(process.stderr)
  process.exit()
}

/** Resolves when all that was written has left: a pipe takes no more than 64 KB at once. */
function flush(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.once('error', () => resolve())
    stream.write('', () => resolve())
  })
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new InvalidArgumentError('a port is a number from 0 to 65535')
  return port
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

const program = new Command('sluice')
  .description("Agents and engine for HAProxy's SPOE, FastCGI, and a proxy that runs haproxy.cfg")
  .version(version(), '-v, --version')
  .enablePositionalOptions()
  .showHelpAfterError('(sluice --help lists the commands)')

program
  .command('run')
  .description('run a proxy from HAProxy configuration files')
  .usage('[flags] -f <file>...')
  // HAProxy's flags are not of the form that commander knows: -db is one flag, and so is -dM0x41.
  .argument('[flags...]', "HAProxy's own, see below")
  .allowUnknownOption()
  .addHelpText('after', () => `\n${formatRunFlags()}`)
  .action(() =>
    finish(async () => {
      const flags = parseRunFlags(process.argv.slice(3))
      if (flags.version) return (print(version()), 0)
      return (await import('./run.ts')).runCommand(flags)
    }),
  )

describeCheck(program.command('check'), (files, options) =>
  finish(async () => (await import('./check.ts')).checkCommand(files, options)),
)

program
  .command('demo')
  .description('a proxy with a SPOE filter, its agent and an origin, in one process')
  .addOption(
    new Option('-p, --port <port>', 'port of the frontend, 0 for any')
      .env('PORT')
      .default(8080)
      .argParser(parsePort),
  )
  .action((options: { port: number }) =>
    finish(async () => (await import('./demo.ts')).demoCommand(options.port)),
  )

describeAgent(program.command('agent'), (names, options) =>
  finish(async () => (await import('./agent.ts')).agentCommand(names, options)),
)

describeSnippet(program.command('snippet'), (names, options) =>
  finish(async () => (await import('./snippet.ts')).snippetCommand(names, options)),
)

program
  .command('init')
  .description(
    'write a project with an agent of your own: TypeScript, tests, configurations, ready to deploy',
  )
  .argument('<folder>', 'a new folder, or an empty one')
  .option('--name <name>', 'what the agent is called (default: as the folder)')
  .option('--from <package>', 'where its package.json takes sluice from (default: where this one came from)')
  .action((folder: string, options: InitOptions) =>
    finish(async () => (await import('./init.ts')).initCommand(folder, options, version())),
  )

program
  .command('types')
  .description('print typed declarations of the messages in a SPOE file')
  .argument('<file>', 'SPOE configuration file')
  .option('--engine <name>', 'only this scope of the file')
  .action((file: string, options: { engine?: string }) =>
    finish(async () => (await import('./types.ts')).typesCommand(file, options)),
  )

program
  .command('probe')
  .description('check any agent, in any language, for conformance')
  .argument('[target]', 'spop://host:port, spops://host:port or spop+unix:///path')
  .option('--unix <path>', 'connect to a unix socket instead')
  .option('--message <name>', 'message to send; any agent must answer even unknown ones')
  .option('--arg <name=type:value>', 'argument of the message; may be repeated', collect)
  .option('--timeout <ms>', 'how long an answer may take')
  .option('--slow <name>', 'a message whose handler takes too long, to check its deadline')
  .option('--pid <number>', "the agent's process, to check that SIGTERM drains it: the last check stops it")
  .option('--only <id>', 'only checks whose id begins so; may be repeated', collect)
  .option('--list', 'show the ids of the checks, and check nothing')
  .option('--ca <file>', 'certificates that spops:// trusts')
  .option('--insecure', 'spops:// trusts any certificate')
  .option('--cert <file>', 'certificate that is shown to spops://, for mutual TLS')
  .option('--key <file>', 'its key')
  .option('--health', 'one health check and nothing else: 0 is healthy, 1 is not, 2 is no connection')
  .option('--json', 'one JSON object instead of the table')
  .option('--verbose', 'show the bytes of passed checks, too')
  .action((target: string | undefined, options: ProbeOptions) =>
    finish(async () => (await import('./probe.ts')).probeCommand(target, options)),
  )

describeBench(
  program.command('bench'),
  (target, options) => finish(async () => (await import('./bench.ts')).benchCommand(target, options), 2),
  (before, after, options) =>
    finish(async () => (await import('./bench-compare.ts')).compareCommand(before, after, options), 2),
)

program
  .command('replay')
  .description("send what 'run --record' wrote to an agent, and show what it answers otherwise")
  .argument(
    '<file...>',
    'recordings, in their order, and behind them the agent: spop://host:port, spops://host:port or spop+unix:///path',
  )
  .option('--ca <file>', 'certificates that spops:// trusts')
  .option('--insecure', 'spops:// trusts any certificate')
  .option('--cert <file>', 'certificate that is shown to spops://, for mutual TLS')
  .option('--key <file>', 'its key')
  .option('--rate <rate>', 'recorded, 2x (twice as fast), 500 (a second) or max', 'recorded')
  .option('--timeout <ms>', 'how long an answer may take (default 1000)')
  .option('--in-flight <n>', 'exchanges that may be under way at a time (default 256)')
  .option('--limit <n>', 'send no more than so many')
  .option('--source <name>', 'only what this SPOE engine has asked')
  .option('--message <name>', 'only NOTIFYs with this message')
  .option('--ignore <variable>', 'name or scope.name that need not be equal; may be repeated', collect)
  .option('--profile <name>', 'whose manners the engine has: default, 2.6, 3.x')
  .option('--json', 'one JSON object instead of the table')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .action((args: string[], options: ReplayCommandOptions) =>
    finish(async () => (await import('./replay.ts')).replayCommand(args, options), 2),
  )

describeInspect(program.command('inspect'), finish)

// A reader that has gone, such as `head`, is no reason to fail.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

inlineMore()
await program.parseAsync()
