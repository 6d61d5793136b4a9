/** What `sluice agent` takes. */
import { Option, type Command } from 'commander'
import { UsageError } from '../base/errors.ts'
import { logLevels, type LogLevel } from '../base/logger.ts'
import type { CertificateFlags } from './agent-tls.ts'

/** Options of `sluice agent`: the first are for all, then those with `--config`, then those of the example's agent. */
export interface AgentCommandOptions extends CertificateFlags {
  readonly listen?: readonly string[]
  readonly trace?: boolean
  readonly logLevel?: LogLevel
  readonly config?: string
  readonly check?: boolean
  readonly status?: string
  readonly list?: string
  readonly mode?: string
}

/** Describes the command. */
export function describeAgent(
  command: Command,
  run: (names: readonly string[], options: AgentCommandOptions) => Promise<void>,
): void {
  command
    .description('run ready agents of a configuration, or ip-reputation with a list alone')
    .argument(
      '[names...]',
      "entries below 'agents:' of the configuration (all, when none is named), or paths of modules",
    )
    .option('-c, --config <file>', 'YAML, see docs/ready-agents.md; SIGHUP, and a change, read it again')
    .option('--check', 'check the configuration, and run nothing')
    .option(
      '--status <address>',
      'readiness, metrics and a live page on this port, such as 9100; loopback unless told otherwise',
    )
    .option('-l, --listen <address>', 'host:port, /path, unix@/path or fd@3; may be repeated', collect)
    .option('--trace', 'print every frame; SIGUSR2 switches this on and off')
    .addOption(new Option('--log-level <level>', 'least level that is logged').choices([...logLevels]))
    .addHelpText('after', exampleHelp)
    .option('--list <file>', 'ip-reputation without --config: a CIDR range and its score per line')
    .option('--mode <octal>', 'without --config: permissions of a unix socket, such as 660')
    .option('--cert <file>', 'without --config: speak TLS, with this certificate; SIGHUP reads it again')
    .option('--key <file>', 'without --config: the key of the certificate')
    .option(
      '--client-ca <file>',
      'without --config: authorities that must have signed the certificates of clients',
    )
    .action(run)
}

const exampleHelp = `
  sluice agent ip-reputation geoip --config agents.yaml
  sluice agent ./my-agent.js --config agents.yaml
  sluice agent ip-reputation --listen 127.0.0.1:12345 --list scores.txt
      answers get-ip-reputation(ip) of SPOE.txt's example with sess.ip_score, 0 to 100`

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}

/** @throws UsageError `ERR_SLUICE_OPTION` when one of these flags was given. */
export function refuseFlags(
  options: AgentCommandOptions,
  flags: readonly (keyof AgentCommandOptions)[],
  why: string,
): void {
  for (const flag of flags) {
    if (options[flag] === undefined) continue
    throw new UsageError(
      'ERR_SLUICE_OPTION',
      `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} ${why}`,
    )
  }
}
