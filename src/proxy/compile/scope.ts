/** What all parts of the compiler share, and what those of one section share. */
import type {
  Condition,
  Diagnostics,
  LogTarget,
  Place,
  Proxy,
  UserAction,
  UserActionInfo,
  Word,
} from '../../config/index.ts'
import type { Acceptor } from '../../net/memory-socket.ts'
import { predefinedAcls } from '../../sample/acl-keywords.ts'
import { compileLogFormat, compileTerms, compileTest } from '../../sample/index.ts'
import type {
  Acl,
  CompileContext,
  Condition as CompiledCondition,
  LogFormatUse,
  Checkpoint,
  PatternCache,
  SampleRegistry,
  VariableNames,
} from '../../sample/index.ts'
import type { AclDeclaration } from '../../config/index.ts'
import type { ActionCompiler } from '../actions/context.ts'
import type { LogDestination } from '../plan/log.ts'
import type { Format } from '../plan/rule.ts'
import type { Files } from './files.ts'

/** An action of a user's own: where it may stand, and what compiles its words. */
export interface UserActionSpec extends UserActionInfo {
  readonly compile: ActionCompiler<UserAction>
}

/** The same for the whole configuration. */
export interface CompileEnvironment {
  readonly diagnostics: Diagnostics
  readonly files: Files
  readonly variableNames: VariableNames
  readonly environment: ReadonlyMap<string, string>
  readonly hostname: string
  readonly globalLogs: readonly LogTarget[]
  readonly globalLogTag: string
  /** `tune.bufsize`, in bytes; undefined: its default. */
  readonly bufferSize: number | undefined
  /** What lists of patterns found of late. */
  readonly patternCache: PatternCache
  /** Fetches and converters; undefined: those that there are. What a user adds of his own comes in here. */
  readonly registry?: SampleRegistry
  /** Agents in the same process, by the names under which they were mounted. */
  readonly agents: ReadonlyMap<string, Acceptor>
  /** A user's own actions, by their names. */
  readonly actions?: ReadonlyMap<string, UserActionSpec>
}

/** A section whose rules are compiled, with the ACLs that it declares. */
export class CompileScope {
  readonly environment: CompileEnvironment
  readonly #isBackend: boolean
  readonly #mode: 'tcp' | 'http'
  readonly #acls = new Map<string, Acl>()
  /** Where each ACL was first declared. */
  readonly #declared = new Map<string, Place>()

  constructor(environment: CompileEnvironment, proxy: Pick<Proxy, 'kind' | 'mode'>) {
    this.environment = environment
    this.#isBackend = proxy.kind !== 'frontend'
    this.#mode = proxy.mode === 'http' ? 'http' : 'tcp'
  }

  /** For what is evaluated in `checkpoint`. */
  context(checkpoint: Checkpoint): CompileContext {
    const { diagnostics, variableNames, environment, hostname, files, bufferSize, patternCache, registry } =
      this.environment
    return {
      diagnostics,
      checkpoint,
      isBackend: this.#isBackend,
      mode: this.#mode,
      aclsByName: this.#acls,
      variableNames,
      environment,
      hostname,
      readPatternFile: files.optionalBytes,
      patternCache,
      ...(bufferSize === undefined ? {} : { bufferSize }),
      ...(registry === undefined ? {} : { registry }),
    }
  }

  declareAcls(acls: readonly AclDeclaration[]): void {
    for (const { place, name, words } of acls) {
      if (!this.#declared.has(name)) this.#declared.set(name, place)
      const test = words.length === 0 ? undefined : compileTest(words, this.context('http-request'))
      // Also when the line is wrong: who uses the ACL is not told that there is none.
      const acl = this.#acls.get(name) ?? { name, tests: [] }
      this.#acls.set(name, acl)
      if (test !== undefined) acl.tests.push(test)
    }
  }

  /** Undefined without a condition; `never` after complaints, so that the rest can be compiled. */
  condition(condition: Condition | undefined, checkpoint: Checkpoint): CompiledCondition | undefined {
    if (condition === undefined) return undefined
    const unless = condition.kind === 'unless'
    // Nothing behind it, of which a warning told, is a condition that does not hold.
    if (condition.words.length === 0) return unless ? undefined : never
    if (!this.#declaresAbove(condition)) return never
    const keyword = { text: condition.kind, place: condition.place, quoted: false }
    return compileTerms(keyword, condition.words, unless, this.context(checkpoint)) ?? never
  }

  /** HAProxy reads a file from above: an ACL below a condition is not there. */
  #declaresAbove(condition: Condition): boolean {
    let inBraces = false
    for (const word of condition.words) {
      const name = word.text.replace(/^!+/, '')
      if (name === '{' || name === '}') inBraces = name === '{'
      const declared = inBraces || predefinedAcls.has(name) ? undefined : this.#declared.get(name)
      if (declared === undefined || declared.file !== condition.place.file) continue
      if (declared.line <= condition.place.line) continue
      const message = `the ACL '${name}' is declared in line ${declared.line}, below its use`
      this.environment.diagnostics.error('CFG_SAMPLE_ACL', word.place, message, 'move it up')
      return false
    }
    return true
  }

  /** Empty text after complaints. */
  format(word: Word, checkpoint: Checkpoint, use: LogFormatUse): Format {
    const compiled = compileLogFormat(word, this.context(checkpoint), use)
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
    return targets
  }

  get #globalTargets(): LogDestination[] {
    return this.environment.globalLogs.filter((each) => each.kind === 'target')
  }

  error(place: Place, message: string, hint?: string): void {
    this.environment.diagnostics.error('ERR_PROXY_NAME', place, message, hint)
  }
}

const never: CompiledCondition = { test: () => false, evaluate: () => 0 }
