/** Starts HAProxy or `sluice run` with the same files. */
import { startHaproxy } from '../support/haproxy.ts'
import { startSluice } from '../support/sluice.ts'
import type { Role } from './kind.ts'

/** A running program. */
export interface Program {
  readonly port: number
  trouble(): string | undefined
  stop(): Promise<void>
}

/** Thrown when a program does not take a configuration. */
export class Refused extends Error {}

export async function startProgram(
  { program }: Role,
  config: (fe: number) => string,
  files: Readonly<Record<string, string>>,
): Promise<Program> {
  const options = { ports: ['fe'], config: ({ fe }: { fe: number }) => config(fe), files } as const
  try {
    return program === 'haproxy' ? await haproxySide(options) : await sluiceSide(options)
  } catch (error) {
    throw new Refused(`${program} does not start: ${error instanceof Error ? error.message : String(error)}`)
  }
}

type Options = Parameters<typeof startHaproxy<'fe'>>[0]

async function haproxySide(options: Options): Promise<Program> {
  const haproxy = await startHaproxy(options)
  const trouble = () => (/segfault|BUG|panic/.test(haproxy.logs()) ? haproxy.logs() : undefined)
  return { port: haproxy.ports.fe, trouble, stop: () => haproxy.stop() }
}

async function sluiceSide(options: Options): Promise<Program> {
  const sluice = await startSluice(options)
  const trouble = () =>
    sluice.cli.running && !/\berror\b|Error\b|Warning:/.test(sluice.logs()) ? undefined : sluice.logs()
  return { port: sluice.ports.fe, trouble, stop: () => sluice.stop() }
}
