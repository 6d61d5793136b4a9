/** The keywords of HAProxy 2.6 in sections that sluice passes over, for those who ask what HAProxy would say. */
import { didYouMean } from '../config/index.ts'
import type { Diagnostic } from '../config/index.ts'
import type { SourceLine } from './source-line.ts'

const keywords: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    cache: 'total-max-size max-object-size max-age max-secondary-entries process-vary',
    'http-errors': 'errorfile',
    'log-forward': 'backlog bind dgram-bind log maxconn timeout',
    mailers: 'mailer timeout',
    peers: 'bind default-bind default-server disabled enabled log peer server shards table',
    program: 'command group option user',
    resolvers: 'accepted_payload_size hold nameserver parse-resolv-conf resolve_retries timeout',
    ring: 'backing-file description format maxlen server size timeout',
    userlist: 'group user',
  }).map(([section, names]) => [section, names.split(' ')]),
)

/** An error for each line of such a section that begins with none of its keywords. */
export function unknownInForeignSections(lines: readonly SourceLine[]): Diagnostic[] {
  return lines.flatMap(({ words: [word], section }) => {
    const known = keywords.get(section.kind)
    // The first line of a section is its own.
    if (known === undefined || word === undefined || word.place.line === section.place.line) return []
    if (known.includes(word.text)) return []
    const hint = didYouMean(word.text, known)
    const message = `unknown keyword '${word.text}' in '${section.kind}'`
    const found = { severity: 'error', code: 'CFG_KEYWORD_UNKNOWN', place: word.place, message } as const
    return [hint === undefined ? found : { ...found, hint }]
  })
}
