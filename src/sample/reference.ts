/** Renders docs/samples.md from the registries, so that the page and the program cannot differ. */
import { aclKeywords, predefinedAcls } from './acl-keywords.ts'
import { formatSyntax } from './arguments.ts'
import { converters } from './converters/registry.ts'
import { unsupportedConverters } from './converters/unsupported.ts'
import { fetches } from './fetches/registry.ts'
import type { FetchSpec } from './fetches/spec.ts'
import { unsupportedFetches } from './fetches/unsupported.ts'
import { logAliases } from './log-aliases.ts'
import { matchMethods } from './patterns/match-method.ts'
import { describeNeeds } from './checkpoint.ts'

const introduction = `# Samples, ACLs and log formats

What can be written in expressions (\`path,lower\`), ACLs and log-format strings. Names, arguments and results are
HAProxy 2.6's (configuration.txt 7 and 8.2.6). This page is made from the source by \`renderSampleReference\`; a test
compares it.

A fetch takes a sample from the stream, converters behind commas transform it. Types are \`bool\`, \`sint\` (64 bits,
signed), \`ipv4\`, \`ipv6\`, \`addr\` (either), \`str\`, \`bin\`, \`meth\`; \`any\` is known only at run time. Text is bytes:
nothing is decoded.

Regular expressions are PCRE's as far as JavaScript can do them: no atomic groups, possessive quantifiers, recursion,
conditions, \`\\G\`, \`\\K\`, \`\\X\`, \`\\p\`, verbs, nor back-references without regard to case. Names of hosts in address
patterns are not resolved.
`

/** A cell of a table: bars would end it. */
const cell = (text: string): string => text.replaceAll('|', '\\|')

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |\n`
  return line(head) + line(head.map(() => '---')) + rows.map(line).join('')
}

const code = (text: string): string => `\`${text}\``

function fetchRow(spec: FetchSpec): string[] {
  const names = [formatSyntax(spec.name, spec.args), ...(spec.aliases ?? [])]
  return [names.map(code).join(', '), spec.type, describeNeeds(spec.needs), spec.doc]
}

function wrapNames(names: Iterable<string>): string {
  return `${[...names].sort().map(code).join(' ')}\n`
}

/** The whole page. */
export function renderSampleReference(): string {
  const methods = Object.entries(matchMethods).map(([name, { expects, doc }]) => [code(name), expects, doc])
  return [
    introduction,
    '## Fetches\n',
    'The column "needs" says where a fetch can be used; `nothing` is everywhere.\n',
    table(['fetch', 'type', 'needs', 'what'], fetches.map(fetchRow)),
    '## Converters\n',
    table(
      ['converter', 'from', 'to', 'what'],
      converters.map((spec) => [code(formatSyntax(spec.name, spec.args)), spec.input, spec.output, spec.doc]),
    ),
    '## Matching methods\n',
    table(
      ['`-m`', 'sample as', 'a pattern is'],
      [
        ...methods,
        [code('bool'), 'sint', 'not taken: a sample other than 0 matches'],
        [code('found'), 'any', 'not taken: any sample matches'],
      ],
    ),
    '## ACL keywords\n',
    'They stand for a fetch and a matching method:\n',
    table(
      ['keyword', 'fetch', 'method'],
      [...aclKeywords].map(([name, { fetch, match }]) => [code(name), code(fetch), code(match)]),
    ),
    '## Predefined ACLs\n',
    table(
      ['ACL', 'same as'],
      [...predefinedAcls].map(([name, words]) => [code(name), code(words.join(' '))]),
    ),
    '## Log-format aliases\n',
    'Flags in braces: `+Q` quotes, `+X` writes addresses, ports and counters in hex, `+E` escapes `"`, `\\` and `]`,',
    '`+M`, which log lines begin with, writes `-` for what is empty.',
    '`%o` applies its flags to all that follow. `%[expression]` is a sample, `%%` a percent sign.\n',
    table(
      ['alias', 'mode', 'what'],
      logAliases.map((alias) => [code(`%${alias.name}`), alias.httpOnly ? 'http' : 'any', alias.doc]),
    ),
    '## Known to HAProxy 2.6, not supported\n',
    'They are reported by name when the configuration is read.\n',
    `Fetches: ${wrapNames(unsupportedFetches)}`,
    `Converters: ${wrapNames(unsupportedConverters)}`,
  ].join('\n')
}
