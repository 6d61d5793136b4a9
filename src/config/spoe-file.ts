/** The file behind `filter spoe ... config <file>` -> {@link SpoeConfig} (SPOE.txt 2). All mistakes are reported at once. */
import { finishSpoe } from './check/spoe-scope.ts'
import { createAgentDraft } from './draft/spoe.ts'
import type { SpoeAgentDraft, SpoeGroupDraft, SpoeMessageDraft } from './draft/spoe.ts'
import { brokenAcl } from './keywords/acl.ts'
import { applyLine, refuseSectionModifier } from './keywords/keyword.ts'
import { checkName, reportDuplicate } from './keywords/sections.ts'
import { frameLengthSize, spoeAgentTable } from './keywords/spoe-agent.ts'
import { spoeGroupTable, spoeMessageTable } from './keywords/spoe-message.ts'
import { defaults } from './model/defaults.ts'
import type { SpoeConfig } from './model/index.ts'
import { toEnvironmentMap } from './parse.ts'
import type { Environment } from './parse.ts'
import { forbiddenCharacter } from './text/args.ts'
import type { Modifier } from './text/args.ts'
import { Diagnostics } from './text/diagnostics.ts'
import type { Diagnostic, Place } from './text/diagnostics.ts'
import { inOrder } from './text/in-order.ts'
import { readLines } from './text/lines.ts'
import type { LineHandler } from './text/lines.ts'
import { didYouMean } from '../base/suggest.ts'
import type { Word } from './text/word.ts'

/** What was read of a SPOE file. */
export interface ParsedSpoeFile {
  /** Undefined when the scope has no agent. */
  readonly spoe: SpoeConfig | undefined
  readonly diagnostics: Diagnostic[]
}

/**
 * Parses one scope of a SPOE file.
 * @param engine the name behind `engine` on the filter's line: only `[engine]` is read then. Without a name only what
 * stands outside of all scopes is read.
 * @param origin where the filter stands: the place of complaints about the file as a whole.
 * @param bufferSize `tune.bufsize`: a frame and its length must fit.
 */
export function parseSpoeFile(
  text: string,
  file: string,
  env: Environment = {},
  engine?: string,
  origin?: Place,
  bufferSize: number = defaults.bufferSize,
): ParsedSpoeFile {
  const diagnostics = new Diagnostics()
  const reader = new SpoeReader(engine, bufferSize - frameLengthSize, diagnostics)
  readLines({ file, text, environment: toEnvironmentMap(env) }, reader, diagnostics)
  const place = origin ?? { file, line: 1, column: 1 }
  const spoe = finishSpoe({ engine, place, scopes: reader.scopes }, reader, diagnostics)
  return { spoe, diagnostics: inOrder(diagnostics.list, [place.file, file]) }
}

const kinds = ['spoe-agent', 'spoe-message', 'spoe-group'] as const

type Section =
  | { readonly kind: 'spoe-agent'; readonly draft: SpoeAgentDraft }
  | { readonly kind: 'spoe-message'; readonly draft: SpoeMessageDraft }
  | { readonly kind: 'spoe-group'; readonly draft: SpoeGroupDraft }
  | { readonly kind: 'skipped' }

class SpoeReader implements LineHandler {
  section = ''
  agent: SpoeAgentDraft | undefined
  readonly messages: SpoeMessageDraft[] = []
  readonly groups: SpoeGroupDraft[] = []
  /** Every scope of the file. */
  readonly scopes: string[] = []
  readonly #engine: string | undefined
  readonly #maxFrameSize: number
  readonly #diagnostics: Diagnostics
  #scope: string | undefined
  #current: Section | undefined

  constructor(engine: string | undefined, maxFrameSize: number, diagnostics: Diagnostics) {
    this.#engine = engine
    this.#maxFrameSize = maxFrameSize
    this.#diagnostics = diagnostics
  }

  scope(text: string, place: Place): void {
    this.#current = undefined
    const match = /^\[([^\]]*)\](.*)$/s.exec(text)
    const [, name = '', rest = ''] = match ?? []
    const report = (message: string): void => {
      this.#diagnostics.error('CFG_SPOE_SCOPE', place, message, 'write [name] on a line of its own')
    }
    if (name === '') return report('a scope needs a name')
    if (forbiddenCharacter(name) !== undefined) {
      return report(`'${forbiddenCharacter(name) ?? ''}' cannot be part of the scope name '${name}'`)
    }
    if (!/^\s*(#|$)/.test(rest)) return report(`'${rest.trim()}' behind the scope`)
    this.#scope = name
    this.scopes.push(name)
  }

  line(words: readonly Word[], modifier: Modifier): void {
    if (this.#scope !== this.#engine) return
    const first = words[0]
    if (first === undefined) return
    const kind = kinds.find((each) => each === first.text)
    if (kind === undefined) return this.#apply(first, words, modifier)
    refuseSectionModifier(first, modifier, this.#diagnostics)
    this.#begin(kind, first, words)
  }

  broken(words: readonly Word[]): void {
    const acl = brokenAcl(words)
    if (acl !== undefined && this.#current?.kind === 'spoe-message') this.#current.draft.acls.push(acl)
  }

  #apply(first: Word, words: readonly Word[], modifier: Modifier): void {
    const current = this.#current
    const section = `'${current?.kind ?? ''}'`
    const line = { modifier, section, diagnostics: this.#diagnostics, others: kinds }
    if (current?.kind === 'spoe-agent') applyLine(spoeAgentTable, current.draft, words, line)
    if (current?.kind === 'spoe-message') applyLine(spoeMessageTable, current.draft, words, line)
    if (current?.kind === 'spoe-group') applyLine(spoeGroupTable, current.draft, words, line)
    if (current !== undefined) return
    const hint = didYouMean(first.text, kinds) ?? `sections are ${kinds.join(', ')}`
    const message = `'${first.text}' stands outside of a section`
    this.#diagnostics.error('CFG_SECTION_UNKNOWN', first.place, message, hint)
  }

  #begin(kind: (typeof kinds)[number], first: Word, words: readonly Word[]): void {
    const [, name, extra] = words
    this.section = name?.text ?? kind
    this.#current = { kind: 'skipped' }
    if (name === undefined) {
      return this.#diagnostics.error('CFG_SECTION_NAME', first.place, `'${kind}' expects a name`)
    }
    checkName(kind, name, this.#diagnostics)
    if (extra !== undefined) {
      this.#diagnostics.error('CFG_ARGUMENT_EXTRA', extra.place, `'${kind}': unexpected '${extra.text}'`)
    }
    if (kind === 'spoe-agent') this.#beginAgent(name.text, first.place)
    else if (kind === 'spoe-message') this.#beginMessage(name.text, first.place)
    else this.#beginGroup(name.text, first.place)
  }

  #beginAgent(name: string, place: Place): void {
    const draft = createAgentDraft(name, place, this.#maxFrameSize)
    this.#current = { kind: 'spoe-agent', draft }
    if (this.agent === undefined) this.agent = draft
    else {
      const message = `a scope has one spoe-agent, and '${this.agent.name}' of line ${this.agent.place.line} is it`
      this.#diagnostics.error('CFG_SPOE_AGENT', place, message)
    }
  }

  #beginMessage(name: string, place: Place): void {
    const empty = { acls: [], args: [], event: undefined, timeout: undefined, noWait: false }
    const draft: SpoeMessageDraft = { name, place, ...empty }
    this.#current = { kind: 'spoe-message', draft }
    this.#add(this.messages, draft, 'spoe-message')
  }

  #beginGroup(name: string, place: Place): void {
    const draft: SpoeGroupDraft = { name, place, messages: [] }
    this.#current = { kind: 'spoe-group', draft }
    this.#add(this.groups, draft, 'spoe-group')
  }

  #add<Item extends { name: string; place: Place }>(list: Item[], item: Item, kind: string): void {
    const before = list.find((each) => each.name === item.name)
    if (before === undefined) list.push(item)
    else reportDuplicate(kind, item.name, item.place, { kind, place: before.place }, this.#diagnostics)
  }
}
