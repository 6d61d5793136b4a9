/**
 * One HAProxy, or one sluice, for all rows of a table: to start a program for each of them takes longer than most rows do,
 * and rows that wait can be played side by side.
 */
import { startHaproxy } from './haproxy.ts'
import { startSluice } from './sluice.ts'

/** The sections of a row: `port` is for its frontend, and `name` is for the names of its sections. */
export type RowSections = (port: number, name: string) => string

/** A program that listens for all rows. */
export interface RowsProgram {
  /** The port of a row. */
  port(row: number): number
  logs(): string
  /** Resolves when `logs()` matches; fails after `timeout` milliseconds (default 5000) with the log. */
  waitForLog(pattern: RegExp | string, timeout?: number): Promise<string>
  stop(): Promise<void>
}

const programs = { haproxy: startHaproxy, sluice: startSluice } as const

/** The name of a row by its number: such as `row-7`. */
export const nameOfRow = (row: number): string => `row-${row}`

/** Starts one with `head`, then the sections of each row; `files` stand beside its configuration. */
export async function startRows(
  which: keyof typeof programs,
  head: string,
  rows: readonly RowSections[],
  files: Readonly<Record<string, string>> = {},
): Promise<RowsProgram> {
  const running = await programs[which]({
    ports: rows.map((_, row) => nameOfRow(row)),
    config: (ports) =>
      [head, ...rows.map((sections, row) => sections(ports[nameOfRow(row)] ?? 0, nameOfRow(row)))].join('\n'),
    files,
  })
  return {
    port: (row) => running.ports[nameOfRow(row)] ?? 0,
    logs: () => running.logs(),
    waitForLog: (pattern, timeout) => running.waitForLog(pattern, timeout),
    stop: () => running.stop(),
  }
}
