/** Reads the data files of smuggling.test.ts; their heads say how they are written. */
import { Buffer } from 'node:buffer'
import { readFileSync } from 'node:fs'

/** Bytes with a name. */
export interface RawCase {
  readonly name: string
  readonly bytes: Buffer
  /** What stands in brackets behind the name. */
  readonly flags: readonly string[]
}

/** The cases of `test/parity/NAME.txt`, in order. */
export function readRawCases(name: string): RawCase[] {
  const lines = readFileSync(`test/parity/${name}.txt`, 'latin1').trimEnd().split('\n')
  const cases: { name: string; flags: string[]; text: string }[] = []
  for (const line of lines) {
    if (line.startsWith('#')) continue
    const title = /^= (.*?)(?: \[([^\]]*)\])?$/.exec(line)
    if (title !== null) {
      cases.push({ name: title[1] ?? '', flags: title[2]?.split(' ') ?? [], text: '' })
      continue
    }
    const last = cases.at(-1)
    if (last !== undefined) last.text += lineOf(line)
  }
  return cases.map(({ text, ...rest }) => ({ ...rest, bytes: Buffer.from(text, 'latin1') }))
}

const letters: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', '\\': '\\' }

function lineOf(line: string): string {
  const open = /(?:^|[^\\])(?:\\\\)*\\$/.test(line)
  const text = open ? line.slice(0, -1) : line
  const bytes = text.replaceAll(/\\(?:x([0-9a-f]{2})|(.))/g, (_, code: string | undefined, letter: string) =>
    code === undefined ? (letters[letter] ?? letter) : String.fromCharCode(Number.parseInt(code, 16)),
  )
  return open ? bytes : `${bytes}\r\n`
}
