/**
 * What HAProxy writes for the rows of log-cases.ts, kept in log-lines.txt: the name of a row behind `# `, then its lines
 * as log-play.ts compares them.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../support/sluice.ts'
import { cases } from './log-cases.ts'

const path = join(root, 'test/parity/log-lines.txt')

/** The lines of each row. */
export function readLines(): ReadonlyMap<string, string[]> {
  const rows = readFileSync(path, 'utf8').split(/^# /m).slice(1)
  return new Map(
    rows.map((row) => {
      const [name = '', ...lines] = row.replace(/\n$/, '').split('\n')
      return [name, lines]
    }),
  )
}

/** Keeps them, in the order of the table. */
export function writeLines(lines: ReadonlyMap<string, readonly string[]>): void {
  const rows = cases.flatMap(({ name }) => {
    const each = lines.get(name)
    return each === undefined ? [] : [`# ${name}`, ...each]
  })
  writeFileSync(path, `${rows.join('\n')}\n`)
}

/**
 * Times are in steps of 100 ms, what waits waits for three of them, and the machine may be busy: what is one too early or two
 * too late, or four behind a wait, is made what was wanted.
 */
export function forgive(lines: readonly string[], wanted: readonly string[]): readonly string[] {
  const timer = /\bT\w=(\d+)/g
  return lines.map((line, row) => {
    const times = Array.from(wanted[row]?.matchAll(timer) ?? [])
    let at = 0
    return line.replace(timer, (text, digits: string) => {
      const [is, time] = times[at++] ?? []
      const late = Number(digits) - Number(time)
      return is !== undefined && late >= -100 && late <= (time === '0' ? 200 : 400) ? is : text
    })
  })
}
