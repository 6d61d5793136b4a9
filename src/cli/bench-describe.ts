/** What `sluice bench` takes, as commander is told. */
import type { Command } from 'commander'
import type { CompareOptions } from './bench-compare.ts'
import type { BenchOptions } from './bench-options.ts'

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}

/** Describes the command, and calls `run` for it. */
export function describeBench(
  command: Command,
  run: (target: string, options: BenchOptions) => Promise<void>,
  compare: (before: string, after: string, options: CompareOptions) => Promise<void>,
): void {
  command
    .description('load an agent or a FastCGI application as HAProxy would, and say how it bears that')
    .argument(
      '<target>',
      'spop://host:port, spops://host:port, spop+unix:///path, fcgi://host:port or fcgi+unix:///path',
    )
    .option('--as <version>', 'whose manners: 2.6 or 3.x (default 3.x)')
    .option('--message <name>', 'message to send; several are sent in one NOTIFY', collect)
    .option(
      '--arg <name=type:value>',
      'argument of the messages; {seq}, {ip}, {int:1-100} are filled in anew',
      collect,
    )
    .option(
      '--spoe <file>',
      'a SPOE file: one NOTIFY for each event, with values as they could come from clients',
    )
    .option('--engine <name>', 'the scope of the SPOE file')
    .option('--script <path>', 'FastCGI: SCRIPT_FILENAME')
    .option('--uri <uri>', 'FastCGI: REQUEST_URI, and what follows from it (default /)')
    .option('--method <method>', 'FastCGI: REQUEST_METHOD (default GET)')
    .option('--param <name=value>', 'FastCGI: a parameter; may be repeated', collect)
    .option('--body <text>', 'FastCGI: the body of requests; @FILE reads a file')
    .option('--connections <n>', 'connections at a time', '4')
    .option('--inflight <n>', 'exchanges in flight on each (default 20, and 1 for FastCGI)')
    .option('--cold <n>', 'connections that are made at once at the beginning (default: as --connections)')
    .option('--rate <n>', 'an open loop: so many exchanges a second are due, whatever the agent does')
    .option('--stages <list>', 'an open loop in stretches: 10s:1000,30s:1000-5000')
    .option('--warmup <time>', 'what is not measured (default 1s)')
    .option('--duration <time>', 'what is measured (default 10s)')
    .option('--timeout <time>', "HAProxy's timeout processing: then an exchange is given up", '1s')
    .option(
      '--expect <scope.name=type:value>',
      'what each answer must set (FastCGI: status=200); may be repeated',
      collect,
    )
    .option('--fail-if <condition...>', "end with 1 when it holds: 'p99>5ms' 'errors>0.1%'")
    .option('--saturate <condition...>', "look for the largest rate that holds it: 'p99<5ms'")
    .option('--slice <bytes>', 'write in pieces of so many bytes')
    .option('--latency <time>', 'write so late: 20ms, or 20ms-50ms')
    .option('--reset <n>', 'reset each connection after so many exchanges')
    .option('--garbage <n>', 'send what is no frame on each connection after so many exchanges')
    .option('--seed <n>', 'where random values begin', '1')
    .option('--ca <file>', 'certificates that spops:// trusts')
    .option('--insecure', 'spops:// trusts any certificate')
    .option('--cert <file>', 'certificate that is shown to spops://, for mutual TLS')
    .option('--key <file>', 'its key')
    .option('--json', 'the result as one JSON object')
    .option('--hgrm <file>', 'write the percentiles as HdrHistogram does')
    .option('--quiet', 'nothing is shown while it runs')
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
    .action((target: string, options: BenchOptions) => run(target, options))
  command
    .command('compare')
    .description('two results of --json beside each other')
    .argument('<before>', 'a file')
    .argument('<after>', 'another')
    .option('--fail-if <change...>', "end with 1 for such a change that is no chance: 'p99>+10%' 'rate<-5%'")
    .option('--json', 'one JSON object instead of the table')
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
    .action((before: string, after: string, options: CompareOptions) => compare(before, after, options))
}
