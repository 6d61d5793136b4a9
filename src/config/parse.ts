/**
 * HAProxy's main configuration files -> {@link Config} (configuration.txt 2 to 4 and 10).
 *
 * A reader never stops at the first mistake: every line is read, then the whole is checked, and all that was found is
 * returned with the model. When any diagnostic is an error the model must not be run.
 */
import { checkConfig } from './check/config.ts'
import { inheritRules } from './draft/defaults-rules.ts'
import { createGlobalDraft } from './draft/global.ts'
import type { GlobalDraft } from './draft/global.ts'
import { createProxyDraft, inheritProxyDraft } from './draft/proxy.ts'
import type { ProxyDraft } from './draft/proxy.ts'
import { createFcgiAppDraft } from './draft/sections.ts'
import type { FcgiAppDraft, HttpErrorsDraft } from './draft/sections.ts'
import type { UserActionInfo } from './actions/user.ts'
import { brokenAcl } from './keywords/acl.ts'
import { httpErrorsTable } from './keywords/error-pages.ts'
import { fcgiTable } from './keywords/fcgi.ts'
import { globalTable } from './keywords/global.ts'
import { applyLine, refuseSectionModifier, refusesModifier } from './keywords/keyword.ts'
import type { KeywordTable } from './keywords/keyword.ts'
import { proxyTableWith } from './keywords/registry.ts'
import { readSectionHead, reportDuplicate, sectionKinds, unsupportedSections } from './keywords/sections.ts'
import type { SectionKind } from './keywords/sections.ts'
import type { Config } from './model/index.ts'
import { Args } from './text/args.ts'
import type { Modifier } from './text/args.ts'
import { Diagnostics } from './text/diagnostics.ts'
import type { Diagnostic, Place } from './text/diagnostics.ts'
import { inOrder } from './text/in-order.ts'
import { readLines } from './text/lines.ts'
import type { LineHandler } from './text/lines.ts'
import { didYouMean } from '../base/suggest.ts'
import type { Word } from './text/word.ts'

/** Environment variables; `process.env` is one. */
export type Environment = Readonly<Record<string, string | undefined>>

/** One configuration file. */
export interface ConfigSource {
  /** The name that places in diagnostics carry. */
  readonly file: string
  /** The whole content, decoded. */
  readonly text: string
}

/** What was read, and what is to be said about it. */
export interface ParsedConfig {
  readonly config: Config
  readonly diagnostics: Diagnostic[]
  /** The environment as `setenv` and its relatives left it: what the SPOE files of this configuration see. */
  readonly environment: Environment
}

/**
 * Parses one configuration file.
 * @example
 * const { config, diagnostics } = parseConfig({ file: 'haproxy.cfg', text, env: process.env })
 * for (const each of diagnostics) console.error(formatDiagnostic(each))
 */
export function parseConfig(source: ConfigSource & { readonly env?: Environment }): ParsedConfig {
  return parseConfigFiles([source], source.env)
}

/**
 * Parses several files in their order, as HAProxy does for a repeated `-f`. No section spans two files.
 * @param userActions actions beside those of HAProxy that rules may name
 */
export function parseConfigFiles(
  sources: readonly ConfigSource[],
  env: Environment = {},
  userActions: readonly UserActionInfo[] = [],
): ParsedConfig {
  const diagnostics = new Diagnostics()
  const environment = toEnvironmentMap(env)
  const reader = new ConfigReader(environment, diagnostics, proxyTableWith(userActions))
  for (const { file, text } of sources) {
    readLines({ file, text, environment }, reader, diagnostics)
    reader.endFile()
  }
  const config = checkConfig(reader, diagnostics)
  const ordered = inOrder(
    diagnostics.list,
    sources.map((source) => source.file),
  )
  return { config, diagnostics: ordered, environment: Object.fromEntries(environment) }
}

/** Only what is there: names come from the configuration, and must not find properties of every object. */
export function toEnvironmentMap(env: Environment): Map<string, string> {
  const environment = new Map<string, string>()
  for (const [name, value] of Object.entries(env)) if (value !== undefined) environment.set(name, value)
  return environment
}

type Section =
  | { readonly kind: 'global'; readonly draft: GlobalDraft }
  | { readonly kind: 'proxy'; readonly draft: ProxyDraft }
  | { readonly kind: 'fcgi-app'; readonly draft: FcgiAppDraft }
  | { readonly kind: 'http-errors'; readonly draft: HttpErrorsDraft }
  /** Not implemented, or without a usable name: its lines are passed over. */
  | { readonly kind: 'skipped' }

class ConfigReader implements LineHandler {
  readonly global: GlobalDraft
  readonly proxies: ProxyDraft[] = []
  readonly fcgiApps: FcgiAppDraft[] = []
  readonly httpErrors: HttpErrorsDraft[] = []
  section = ''
  readonly #diagnostics: Diagnostics
  readonly #proxyTable: KeywordTable<ProxyDraft>
  readonly #defaults: ProxyDraft[] = []
  /** Those that have a name: the last of each name, and how many there are. */
  readonly #defaultsByName = new Map<string, { readonly last: ProxyDraft; readonly count: number }>()
  /** The first section of each name and side. */
  readonly #named = new Map<string, ProxyDraft>()
  /** Where the first section of each other kind and name stands. */
  readonly #claimed = new Map<string, Place>()
  /** The kind of proxy that inherited the rules of a defaults section. */
  readonly #usedBy = new Map<ProxyDraft, ProxyDraft['kind']>()
  #current: Section | undefined

  constructor(environment: Map<string, string>, diagnostics: Diagnostics, table: KeywordTable<ProxyDraft>) {
    this.#proxyTable = table
    this.global = createGlobalDraft(environment)
    this.#diagnostics = diagnostics
  }

  endFile(): void {
    this.#current = undefined
    this.section = ''
  }

  scope(text: string, place: Place): void {
    const message = `scopes such as '${text.trim()}' belong to SPOE files`
    this.#diagnostics.warning('CFG_SPOE_SCOPE', place, message)
  }

  line(words: readonly Word[], modifier: Modifier): void {
    const first = words[0]
    if (first === undefined) return
    const kind = sectionKinds.find((each) => each === first.text)
    if (kind !== undefined || unsupportedSections.has(first.text))
      refuseSectionModifier(first, modifier, this.#diagnostics)
    if (kind !== undefined) return this.#begin(kind, words, first.place)
    if (unsupportedSections.has(first.text)) return this.#skipSection(first, words)
    this.#apply(first, words, modifier)
  }

  broken(words: readonly Word[]): void {
    const acl = brokenAcl(words)
    const current = this.#current
    if (acl !== undefined && (current?.kind === 'proxy' || current?.kind === 'fcgi-app')) {
      current.draft.acls.push(acl)
    }
  }

  #skipSection(first: Word, words: readonly Word[]): void {
    this.#current = { kind: 'skipped' }
    this.section = words[1]?.text ?? first.text
    const message = `the section '${first.text}' is not implemented`
    if (unsupportedSections.get(first.text) === 'no') {
      this.#diagnostics.error('CFG_SECTION_UNSUPPORTED', first.place, message)
    } else {
      const hint = 'what uses it is reported where it stands'
      this.#diagnostics.warning('CFG_SECTION_UNSUPPORTED', first.place, `${message}; it is ignored`, hint)
    }
  }

  #apply(first: Word, words: readonly Word[], modifier: Modifier): void {
    const diagnostics = this.#diagnostics
    const current = this.#current
    const line = { modifier, diagnostics, others: sectionKinds }
    switch (current?.kind) {
      case 'global':
        return applyLine(globalTable, current.draft, words, { ...line, section: "'global'" })
      case 'fcgi-app':
        return applyLine(fcgiTable, current.draft, words, { ...line, section: "'fcgi-app'" })
      case 'http-errors':
        return applyLine(httpErrorsTable, current.draft, words, { ...line, section: "'http-errors'" })
      case 'proxy':
        return applyProxyLine(this.#proxyTable, current.draft, words, modifier, diagnostics)
      case 'skipped':
        return
      case undefined: {
        const known = [...sectionKinds, ...unsupportedSections.keys()]
        const hint = didYouMean(first.text, known) ?? `sections are ${sectionKinds.join(', ')}`
        diagnostics.error(
          'CFG_SECTION_UNKNOWN',
          first.place,
          `'${first.text}' stands outside of a section`,
          hint,
        )
      }
    }
  }

  #begin(kind: SectionKind, words: readonly Word[], place: Place): void {
    const head = readSectionHead(kind, words, this.#diagnostics)
    this.section = head?.name === '' || head === undefined ? kind : head.name
    if (head === undefined) this.#current = { kind: 'skipped' }
    else if (kind === 'global') this.#current = { kind, draft: this.global }
    else if (kind === 'fcgi-app') this.#current = { kind, draft: this.#beginFcgiApp(head.name, place) }
    else if (kind === 'http-errors') this.#current = { kind, draft: this.#beginHttpErrors(head.name, place) }
    else this.#current = { kind: 'proxy', draft: this.#beginProxy(kind, head.name, head.from, place) }
  }

  #beginFcgiApp(name: string, place: Place): FcgiAppDraft {
    this.#claim('fcgi-app', name, place)
    const app = createFcgiAppDraft(name, place)
    this.fcgiApps.push(app)
    return app
  }

  /** Reports a name that another section of the kind has. */
  #claim(kind: 'fcgi-app' | 'http-errors', name: string, place: Place): void {
    const key = `${kind} ${name}`
    const before = this.#claimed.get(key)
    if (before === undefined) this.#claimed.set(key, place)
    else reportDuplicate(kind, name, place, { kind, place: before }, this.#diagnostics)
  }

  #beginHttpErrors(name: string, place: Place): HttpErrorsDraft {
    this.#claim('http-errors', name, place)
    const section: HttpErrorsDraft = { name, place, files: [] }
    this.httpErrors.push(section)
    return section
  }

  #beginProxy(kind: ProxyDraft['kind'], name: string, from: Word | undefined, place: Place): ProxyDraft {
    const defaults = this.#defaultsFor(kind, from)
    const proxy =
      defaults === undefined
        ? createProxyDraft(kind, name, place)
        : inheritProxyDraft(defaults, kind, name, place)
    if (defaults !== undefined) {
      inheritRules(defaults, proxy, this.#usedBy.get(defaults), this.#diagnostics)
      this.#usedBy.set(defaults, kind)
    }
    if (kind === 'defaults') this.#addDefaults(proxy)
    else this.#addProxy(proxy)
    return proxy
  }

  #addDefaults(section: ProxyDraft): void {
    this.#defaults.push(section)
    const count = (this.#defaultsByName.get(section.name)?.count ?? 0) + 1
    if (section.name !== '') this.#defaultsByName.set(section.name, { last: section, count })
  }

  /** Frontends and backends have name spaces of their own; a listen is in both. */
  #addProxy(proxy: ProxyDraft): void {
    const sides = proxy.kind === 'listen' ? ['frontend', 'backend'] : [proxy.kind]
    const keys = sides.map((side) => `${side} ${proxy.name}`)
    const before = keys.map((key) => this.#named.get(key)).find((each) => each !== undefined)
    if (before !== undefined) reportDuplicate(proxy.kind, proxy.name, proxy.place, before, this.#diagnostics)
    for (const key of keys) if (!this.#named.has(key)) this.#named.set(key, proxy)
    this.proxies.push(proxy)
  }

  /** The section named by `from`, or else the last one before; a defaults section inherits only what it names. */
  #defaultsFor(kind: ProxyDraft['kind'], from: Word | undefined): ProxyDraft | undefined {
    if (from === undefined) return kind === 'defaults' ? undefined : this.#defaults.at(-1)
    const found = this.#defaultsByName.get(from.text)
    if (found === undefined) {
      const message = `there is no defaults section '${from.text}' before this line`
      const hint = didYouMean(from.text, [...this.#defaultsByName.keys()])
      this.#diagnostics.error('CFG_DEFAULTS', from.place, message, hint)
    } else if (found.count > 1) {
      const message = `there are ${found.count} defaults sections '${from.text}'`
      this.#diagnostics.error('CFG_DEFAULTS', from.place, message, 'give each a name of its own')
    }
    return found?.last
  }
}

function applyProxyLine(
  table: KeywordTable<ProxyDraft>,
  proxy: ProxyDraft,
  words: readonly Word[],
  modifier: Modifier,
  diagnostics: Diagnostics,
): void {
  const found = table.find(words)
  if (found === undefined) return table.reportUnknown(words, `'${proxy.kind}'`, diagnostics, sectionKinds)
  const args = new Args(words, found.count, modifier, diagnostics)
  const { entry } = found
  if (refusesModifier(entry, args)) return
  if (entry.sections.some((section) => section === proxy.kind)) return entry.apply(proxy, args)
  const where = entry.sections.join(', ')
  if (proxy.kind === 'defaults' || entry.strict === true) {
    args.error(
      'CFG_KEYWORD_SECTION',
      args.place,
      `not allowed in a '${proxy.kind}' section`,
      `allowed in ${where}`,
    )
  } else {
    args.warning(
      'CFG_KEYWORD_IGNORED',
      args.place,
      `no effect in a '${proxy.kind}' section`,
      `allowed in ${where}`,
    )
  }
}
