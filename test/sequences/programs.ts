/** Starts HAProxy or `sluice run` with the same files. */
import { startHaproxy } from '../support/haproxy.ts'
import { startSluice } from '../support/sluice.ts'
import type { Role } from './kind.ts'

/** A running program. */
export interface Program {
  /** Where its frontends listen, in the order of their numbers. */
  readonly ports: readonly number[]
  trouble(): string | undefined
  stop(): Promise<void>
}

/** Thrown when a program does not take a configuration. */
export class Refused extends Error {}

/** `config` gets as many ports as there are frontends. */
export async function startProgram(
  { program }: Role,
  frontends: number,
  config: (ports: readonly number[]) => string,
  files: Readonly<Record<string, string>> = {},
): Promise<Program> {
  const names = Array.from({ length: frontends }, (_, at) => String(at))
  const listOf = (ports: Readonly<Record<string, number>>) => names.map((name) => ports[name] ?? 0)
  const options: Options = { ports: names, config: (ports) => config(listOf(ports)), files }
  try {
    return program === 'haproxy' ? await haproxySide(options, listOf) : await sluiceSide(options, listOf)
  } catch (error) {
    throw new Refused(`${program} does not start: ${error instanceof Error ? error.message : String(error)}`)
  }
}

type Options = Parameters<typeof startHaproxy<string>>[0]
type ListOf = (ports: Readonly<Record<string, number>>) => number[]

async function haproxySide(options: Options, listOf: ListOf): Promise<Program> {
  const haproxy = await startHaproxy(options)
  const trouble = () => (/segfault|BUG|panic/.test(haproxy.logs()) ? haproxy.logs() : undefined)
  return { ports: listOf(haproxy.ports), trouble, stop: () => haproxy.stop() }
}

async function sluiceSide(options: Options, listOf: ListOf): Promise<Program> {
  const sluice = await startSluice(options)
  const trouble = () =>
    sluice.cli.running && !/\berror\b|Error\b|Warning:/.test(sluice.logs()) ? undefined : sluice.logs()
  return { ports: listOf(sluice.ports), trouble, stop: () => sluice.stop() }
}
