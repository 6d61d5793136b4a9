/** What a file has that only sluice understands. */
import type { Diagnostic, Word } from '../../config/index.ts'
import { inprocPrefix, ownSince } from '../../config/index.ts'
import { entryOf } from '../keyword-entry.ts'
import type { Finding, LintRule } from '../rule.ts'
import type { SourceLine } from '../source-line.ts'
import type { LintSubject } from '../subject.ts'

export const ownKeywordRules: readonly LintRule[] = [
  {
    code: 'LINT_KEYWORD_OWN',
    severity: 'note',
    doc: "a keyword that only sluice has, or an address 'inproc@NAME' of an agent in the same process",
    why: 'HAProxy passes over it in a spoe-message, so that there the message is sent and awaited as all others are, and refuses the file elsewhere: --for haproxy says which.',
    hint: 'keep it out of files that HAProxy reads, too',
    needsConfig: false,
    check: (subject) =>
      subject.readBy === 'haproxy'
        ? [] // said by ownToHaproxy()
        : [
            ...ownLines(subject).map(({ name, place }) => ({
              place,
              message: `'${name}' is a keyword of sluice`,
            })),
            ...ownAddresses(subject).map(({ text, place }) => ({
              place,
              message: `'${text}' is an address of sluice, for an agent that 'sluice run --agent' mounts`,
            })),
          ],
  },
]

/** The same for HAProxy: keywords that it does not know, with what it makes of that left to whoever judges. */
export function ownToHaproxy(subject: LintSubject): Diagnostic[] {
  const keywords = ownLines(subject).map(({ name, place, section }) => ({
    severity: 'error' as const,
    code: 'CFG_KEYWORD_UNKNOWN',
    place,
    message: `unknown keyword '${name}' in '${section}'`,
    hint: 'it is a keyword of sluice',
  }))
  const addresses = ownAddresses(subject).map(({ text, place }) => ({
    severity: 'error' as const,
    code: 'CFG_ADDRESS',
    place,
    message: `'${text}' is an address of sluice, and none of HAProxy`,
    hint: 'give the agent an address, and let HAProxy reach it there',
  }))
  return [...keywords, ...addresses]
}

/** `server NAME inproc@NAME`. */
function ownAddresses({ lines }: LintSubject): readonly Word[] {
  return lines.flatMap(({ words: [keyword, , address] }) =>
    keyword?.text === 'server' && address?.text.startsWith(inprocPrefix) === true ? [address] : [],
  )
}

function ownLines({ lines, engines }: LintSubject): (Pick<Finding, 'place'> & {
  readonly name: string
  readonly section: string
})[] {
  const all: readonly SourceLine[] = [...lines, ...engines.flatMap((engine) => engine.lines)]
  return all.flatMap((line) => {
    const entry = entryOf(line)
    const place = line.words[0]?.place
    if (entry?.since !== ownSince || place === undefined) return []
    return [{ place, name: entry.name, section: line.section.kind }]
  })
}
