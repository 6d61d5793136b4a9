/** What all parts of the compiler share, and what those of one section share. */
import type { Condition, Diagnostics, LogTarget, Place, Proxy, Word } from '../../config/index.ts'
import { compileAcl, compileLogFormat, compileTerms } from '../../sample/index.ts'
import type {
  Acl,
  CompileContext,
  Condition as CompiledCondition,
  LogFormatUse,
  Ruleset,
  VariableNames,
} from '../../sample/index.ts'
import type { AclDeclaration } from '../../config/index.ts'
import type { LogDestination } from '../plan/log.ts'
import type { Format } from '../plan/rule.ts'
import type { Files } from './files.ts'

/** The same for the whole configuration. */
export interface CompileEnvironment {
  readonly diagnostics: Diagnostics
  readonly files: Files
  readonly variableNames: VariableNames
  readonly environment: ReadonlyMap<string, string>
  readonly hostname: string
  readonly globalLogs: readonly LogTarget[]
  readonly globalLogTag: string
}

/** A section whose rules are compiled, with the ACLs that it declares. */
export class CompileScope {
  readonly environment: CompileEnvironment
  readonly #isBackend: boolean
  readonly #mode: 'tcp' | 'http'
  readonly #acls = new Map<string, Acl>()

  constructor(environment: CompileEnvironment, proxy: Pick<Proxy, 'kind' | 'mode'>) {
    this.environment = environment
    this.#isBackend = proxy.kind !== 'frontend'
    this.#mode = proxy.mode
  }

  /** For what is evaluated in `ruleset`. */
  context(ruleset: Ruleset): CompileContext {
    const { diagnostics, variableNames, environment, hostname, files } = this.environment
    return {
      diagnostics,
      ruleset,
      isBackend: this.#isBackend,
      mode: this.#mode,
      aclsByName: this.#acls,
      variableNames,
      environment,
      hostname,
      readPatternFile: files.optionalText,
    }
  }

  declareAcls(acls: readonly AclDeclaration[]): void {
    for (const { place, name, words } of acls) {
      compileAcl([{ text: name, place, quoted: false }, ...words], this.context('http-request'))
    }
  }

  /** Undefined without a condition; `never` after complaints, so that the rest can be compiled. */
  condition(condition: Condition | undefined, ruleset: Ruleset): CompiledCondition | undefined {
    if (condition === undefined) return undefined
    const keyword = { text: condition.kind, place: condition.place, quoted: false }
    return compileTerms(keyword, condition.words, condition.kind === 'unless', this.context(ruleset)) ?? never
  }

  /** Empty text after complaints. */
  format(word: Word, ruleset: Ruleset, use: LogFormatUse): Format {
    const compiled = compileLogFormat(word, this.context(ruleset), use)
    if (compiled === undefined) return () => ''
    const { constant } = compiled
    return constant === undefined ? compiled.format : () => constant
  }

  /** The targets of `log` lines, with those of the global section in place of `log global`, once. */
  logTargets(logs: readonly LogTarget[]): LogDestination[] {
    const targets: LogDestination[] = []
    for (const log of logs) {
      if (log.kind === 'target') targets.push(log)
      else targets.push(...this.#globalTargets.filter((each) => !targets.includes(each)))
    }
    // The targets of the global section are asked for once, however often `log global` stands here.
    return [...new Set(targets)]
  }

  get #globalTargets(): LogDestination[] {
    return this.environment.globalLogs.filter((each) => each.kind === 'target')
  }

  error(place: Place, message: string, hint?: string): void {
    this.environment.diagnostics.error('ERR_PROXY_NAME', place, message, hint)
  }
}

const never: CompiledCondition = { test: () => false, evaluate: () => 0 }
