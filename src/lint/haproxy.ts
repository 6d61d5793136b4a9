/**
 * What HAProxy would say where sluice complains. Most complaints are HAProxy's, too; what only sluice lacks becomes a
 * note. HAProxy checks the arguments of such keywords, and nothing here does.
 */
import type { Diagnostic, Place, Word } from '../config/index.ts'
import { unsupportedConverters } from '../sample/converters/unsupported.ts'
import { unsupportedFetches } from '../sample/fetches/unsupported.ts'
import { unknownInForeignSections } from './foreign-sections.ts'
import { isPcreOnly } from './pcre.ts'
import { ownToHaproxy } from './rules/own-keywords.ts'
import { beginsWith } from './source-line.ts'
import type { SourceLine } from './source-line.ts'
import type { LintSubject } from './subject.ts'
import { toleranceOf, unseen } from './tolerated.ts'
import { formatBranch, muxBranch, registryBranch } from './version.ts'
import type { HaproxyBranch } from './version.ts'

/** The diagnostics of sluice as those of an HAProxy of `branch`. */
export function asHaproxySees(
  list: readonly Diagnostic[],
  subject: LintSubject,
  branch: HaproxyBranch,
): Diagnostic[] {
  const judge = new Judge(list, subject, branch)
  const spop = branch < muxBranch ? spopModes(subject) : []
  const all = [
    ...list,
    ...unknownInForeignSections(subject.lines),
    ...ownToHaproxy(subject),
    ...defaultsThatFail(subject, branch),
    ...spop,
  ]
  return all.flatMap((each) => judge.judge(each))
}

/** Behind `default`, HAProxy reads the last word of a line twice, and most options take no more words. */
function defaultsThatFail({ lines, engines }: LintSubject, branch: HaproxyBranch): Diagnostic[] {
  const all = [...lines, ...engines.flatMap((engine) => engine.lines)]
  return all.flatMap(({ words, modifier }) => {
    const [first, second] = words
    if (modifier !== 'default' || first?.text !== 'option' || second?.text === 'redispatch') return []
    return [
      {
        severity: branch === registryBranch ? 'error' : 'warning',
        code: 'CFG_NEGATION',
        place: first.place,
        message: `'option ${second?.text ?? ''}': HAProxy 2.6 reads the last word behind 'default' twice, and refuses the line`,
        hint: "write 'no option', or leave the line out",
      },
    ]
  })
}

/** A mode that HAProxy does not know before 3.1. */
function spopModes({ lines }: LintSubject): Diagnostic[] {
  return lines.flatMap((line) => {
    const place = line.words[1]?.place
    if (!beginsWith(line, ['mode', 'spop']) || place === undefined) return []
    return [
      {
        severity: 'error',
        code: 'CFG_ARGUMENT',
        place,
        message: "unknown proxy mode 'spop'",
        hint: "write 'mode tcp'",
      },
    ]
  })
}

/** Whatever sluice lacks has one of these codes. */
const lackingCodes: ReadonlySet<string> = new Set([
  'CFG_KEYWORD_UNSUPPORTED',
  'CFG_VALUE_UNSUPPORTED',
  'CFG_SECTION_UNSUPPORTED',
])

/** Only sluice cannot do it; HAProxy has nothing to say. */
const ownCodes: ReadonlySet<string> = new Set(['ERR_PROXY_LOG'])

class Judge {
  readonly #lines: ReadonlyMap<string, SourceLine>
  readonly #subject: LintSubject
  readonly #branch: HaproxyBranch
  /** Lines with something that only sluice lacks: what refers to them cannot be judged. */
  readonly #lacking: ReadonlySet<string>

  constructor(list: readonly Diagnostic[], subject: LintSubject, branch: HaproxyBranch) {
    this.#subject = subject
    this.#branch = branch
    const lines = [...subject.lines, ...subject.engines.flatMap((engine) => engine.lines)]
    this.#lines = new Map(
      lines.flatMap((line) => (line.words[0] === undefined ? [] : [[keyOf(line.words[0].place), line]])),
    )
    this.#lacking = new Set(list.filter((each) => this.#isLacking(each)).map(({ place }) => keyOf(place)))
  }

  judge(diagnostic: Diagnostic): Diagnostic[] {
    const { code, place, severity } = diagnostic
    if (ownCodes.has(code) || this.#isMuxMatter(diagnostic) || this.#isGreaterFrame(diagnostic)) return []
    if (this.#isLacking(diagnostic)) {
      const hint = this.#isLua(place)
        ? 'no script was read: HAProxy knows whether one gives this name'
        : 'HAProxy has it; what stands behind it was not checked'
      return [{ ...diagnostic, severity: 'note', hint }]
    }
    if (code === 'CFG_SAMPLE_ACL' && this.#namesLackingAcl(place)) return []
    if (severity !== 'error') return [diagnostic]
    const reason = this.#tolerance(diagnostic)
    if (reason !== undefined) return [{ ...diagnostic, severity: 'warning', hint: reason }]
    const isOther = code === 'CFG_KEYWORD_UNKNOWN' && this.#branch !== registryBranch
    if (isOther || (code === 'CFG_KEYWORD_REMOVED' && this.#branch < registryBranch)) {
      const hint = `the keywords known here are those of HAProxy ${formatBranch(registryBranch)}`
      return [{ ...diagnostic, severity: 'warning', hint }]
    }
    return [diagnostic]
  }

  #isLacking(diagnostic: Diagnostic): boolean {
    const { code, place } = diagnostic
    // Datagrams cannot be listened for by a proxy.
    if (lackingCodes.has(code)) return !/^udp\d?@/.test(this.#textAt(place) ?? '')
    if (this.#isLua(place)) return true
    if (code === 'CFG_SAMPLE_FETCH') return this.#names(diagnostic, unsupportedFetches)
    if (code === 'CFG_SAMPLE_CONVERTER') return this.#names(diagnostic, unsupportedConverters)
    const isPattern = code === 'CFG_SAMPLE_REGEX' || code === 'CFG_SAMPLE_PATTERN'
    return isPattern && isPcreOnly(this.#wordAt(place)?.text ?? '')
  }

  #isLua(place: Place): boolean {
    return this.#textAt(place)?.startsWith('lua.') === true
  }

  /** Whether the name at the place of the complaint, or the first one that it quotes, is in the list. */
  #names({ place, message }: Diagnostic, names: { has(name: string): boolean }): boolean {
    const quoted = /'([^']+)'/.exec(message)?.[1]
    return [this.#textAt(place), quoted].some(
      (text) => text !== undefined && names.has(/^[\w.:+-]*/.exec(text)?.[0] ?? ''),
    )
  }

  #wordAt(place: Place): Word | undefined {
    return this.#lines.get(keyOf(place))?.words.findLast((word) => word.place.column <= place.column)
  }

  /** What stands at the place, to the end of its word. */
  #textAt(place: Place): string | undefined {
    const word = this.#wordAt(place)
    return word?.text.slice(place.column - word.place.column)
  }

  /** Why HAProxy lets it pass; undefined when it does not. */
  #tolerance(diagnostic: Diagnostic): string | undefined {
    const { code, place } = diagnostic
    const line = this.#lines.get(keyOf(place))
    // HAProxy tests for an empty keyword where it means an unknown one.
    if (code === 'CFG_KEYWORD_UNKNOWN' && line?.section.kind === 'spoe-message')
      return 'HAProxy ignores the line'
    const size = code === 'CFG_ARGUMENT' && this.#isAlone(place) ? this.#frameSize(place) : undefined
    if (size !== undefined) return `HAProxy takes it when 'tune.bufsize' is ${size + 4} or more`
    if (line === undefined) return undefined
    if (code.startsWith('CFG_ARGUMENT_') && isHeadOfProxy(line))
      return this.#isEmpty(line) ? unseen : undefined
    return toleranceOf(diagnostic, line, this.#textAt(place) ?? '')
  }

  /** HAProxy notices a wrong head of a section at the first line behind it. */
  #isEmpty(head: SourceLine): boolean {
    return !this.#subject.lines.some((line) => line !== head && line.section === head.section)
  }

  /** Whether the ACL that is not known has a line that only sluice could not read. */
  #namesLackingAcl(place: Place): boolean {
    const name = this.#textAt(place)?.replace(/^!/, '')
    return [...this.#lines.values()].some(
      (line) =>
        beginsWith(line, ['acl', name ?? '']) && this.#lacking.has(keyOf(line.words[0]?.place ?? place)),
    )
  }

  /** 3.1 brought `mode spop`, also for a `listen`, and wants no time-outs for greeting and idling. */
  #isMuxMatter({ code, place }: Diagnostic): boolean {
    if (this.#branch < muxBranch) return false
    const line = this.#lines.get(keyOf(place))
    if (line !== undefined && beginsWith(line, ['mode', 'spop'])) return line.section.kind !== 'frontend'
    const engine = this.#subject.engines.find(({ spoe: { agent } }) => keyOf(agent.place) === keyOf(place))
    return code === 'CFG_TIMEOUT_MISSING' && engine?.spoe.agent.timeouts.processing !== undefined
  }

  /** HAProxy takes what fits into `tune.bufsize`. */
  #isGreaterFrame({ code, place }: Diagnostic): boolean {
    if (code !== 'CFG_ARGUMENT') return false
    const size = this.#frameSize(place)
    return size !== undefined && size <= this.#subject.bufferSize - 4 && !this.#isAlone(place)
  }

  /** Whether no configuration reads the SPOE file of the place. */
  #isAlone({ file }: Place): boolean {
    return !this.#subject.engines.some(
      ({ spoe, host }) => host !== undefined && spoe.agent.place.file === file,
    )
  }

  /** The number of a `max-frame-size` that is great enough for SPOP. */
  #frameSize(place: Place): number | undefined {
    const line = this.#lines.get(keyOf(place))
    if (line === undefined || !beginsWith(line, ['max-frame-size'])) return undefined
    const { text = '' } = line.words[1] ?? {}
    const size = Number(text)
    return /^\d+$/.test(text) && size >= 256 ? size : undefined
  }
}

/** Whether it begins a section that is more than defaults. */
function isHeadOfProxy({ words, section }: SourceLine): boolean {
  return words[0]?.place === section.place && ['frontend', 'backend', 'listen'].includes(section.kind)
}

function keyOf({ file, line }: Pick<Place, 'file' | 'line'>): string {
  return `${file}\0${line}`
}
