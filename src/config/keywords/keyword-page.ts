/** docs/keywords.md, written from the registry. */
import type { KeywordInfo, KeywordSection, Support } from './keyword.ts'
import { keywords } from './registry.ts'

interface Chapter {
  readonly title: string
  readonly sections: readonly KeywordSection[]
}

const chapters: readonly Chapter[] = [
  { title: '`global`', sections: ['global'] },
  {
    title: '`defaults`, `frontend`, `listen`, `backend`',
    sections: ['defaults', 'frontend', 'listen', 'backend'],
  },
  { title: 'Parameters of `bind`', sections: ['bind'] },
  { title: 'Parameters of `server` and `default-server`', sections: ['server'] },
  { title: '`fcgi-app`', sections: ['fcgi-app'] },
  { title: '`http-errors`', sections: ['http-errors'] },
  { title: '`spoe-agent` (in a SPOE file)', sections: ['spoe-agent'] },
  { title: '`spoe-message` (in a SPOE file)', sections: ['spoe-message'] },
  { title: '`spoe-group` (in a SPOE file)', sections: ['spoe-group'] },
]

const head = `# Keywords

This page is written from the registry in \`src/config\`; a test compares the two. To bring it up to date, run
\`UPDATE_DOCS=1 npm test -- config/registry\`.

The syntax is that of HAProxy 2.6, and so are the meanings. **Since** is the first HAProxy version whose manual has the keyword (1.3: that
or an older one); \`sluice\` marks a keyword of our own, which HAProxy does not have, and of which \`sluice check\` says so.
**Where**: D \`defaults\`, F \`frontend\`, L \`listen\`, B \`backend\`. Keywords marked \`no\` also stand behind \`no\` and
\`default\`. A keyword that HAProxy knows and sluice does not implement is reported with its line: as a warning when ignoring it
changes nothing that is served, routed, limited, logged or protected (tuning, process management, counters), as an error
when the proxy would do something else without it.
`

/** The whole page. */
export function formatKeywordPage(): string {
  return `${[head, ...chapters.map(formatChapter)].join('\n')}`
}

function formatChapter({ title, sections }: Chapter): string {
  const entries = keywords.filter((each) => sections.some((section) => each.sections.includes(section)))
  const implemented = entries.filter((each) => each.doc !== '')
  const lines = [`## ${title}`, '']
  const where = sections.length > 1
  lines.push(
    where ? '| keyword | meaning | default | where | since |' : '| keyword | meaning | default | since |',
  )
  lines.push(where ? '|---|---|---|---|---|' : '|---|---|---|---|')
  for (const entry of implemented) lines.push(formatRow(entry, where))
  lines.push('')
  for (const [support, text] of [
    ['ignored', 'Known, ignored with a warning'],
    ['no', 'Known, refused'],
  ] as const) {
    const names = entries
      .filter((each) => each.doc === '' && each.support === support)
      .map((each) => each.name)
    if (names.length > 0) lines.push(`${text}: ${formatNames(names)}.`, '')
  }
  return lines.join('\n')
}

/** What is said of a keyword that is read and not obeyed. */
const remarks: { readonly [Each in Support]: string } = {
  yes: '',
  ignored: ' (ignored with a warning)',
  no: ' (refused: not implemented)',
}

function formatRow(entry: KeywordInfo, where: boolean): string {
  const negatable = 'negatable' in entry && entry.negatable === true
  const space = entry.syntax === '' || entry.syntax.startsWith('(') ? '' : ' '
  const keyword = `\`${escape(`${entry.name}${space}${entry.syntax}`)}\`${negatable ? ' (no)' : ''}`
  const doc = `${entry.doc}${remarks[entry.support]}`
  const cells = [keyword, escape(doc), escape(entry.fallback)]
  if (where) cells.push(formatWhere(entry.sections))
  return `| ${[...cells, entry.since].join(' | ')} |`
}

function formatWhere(sections: readonly KeywordSection[]): string {
  return (['defaults', 'frontend', 'listen', 'backend'] as const)
    .filter((section) => sections.includes(section))
    .map((section) => section.charAt(0).toUpperCase())
    .join('')
}

function formatNames(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ')
}

/** A bar would end the cell. */
function escape(text: string): string {
  return text.replaceAll('|', '\\|')
}
