/** The compilers of all actions, by name, and what they are given. */
import type { Action, Place, RuleSet, UserAction, Word } from '../../config/index.ts'
import { compileExpressionWords } from '../../sample/index.ts'
import type { LogFormatUse, Checkpoint, SampleValue, Stream } from '../../sample/index.ts'
import { captureCompilers } from '../actions/capture.ts'
import type { ActionCompiler, ActionCompilers, ActionContext, GroupPlan } from '../actions/context.ts'
import { headerCompilers } from '../actions/headers.ts'
import { logLevelCompilers } from '../actions/log-level.ts'
import { redirectCompilers } from '../actions/redirect.ts'
import { replyCompilers } from '../actions/replies.ts'
import { requestLineCompilers } from '../actions/request-line.ts'
import { retryCompilers } from '../actions/retry.ts'
import { spoeGroupCompilers } from '../actions/spoe-group.ts'
import { statusCompilers } from '../actions/status.ts'
import { tryFilesCompilers } from '../actions/try-files.ts'
import { userCompilers } from '../actions/user.ts'
import { variableCompilers } from '../actions/variables.ts'
import { verdictCompilers } from '../actions/verdicts.ts'
import { waitForBodyCompilers } from '../actions/wait-for-body.ts'
import type { ErrorReply } from '../plan/reply.ts'
import type { Format, RuleAction } from '../plan/rule.ts'
import { readErrorFile } from './error-file.ts'
import type { ErrorSections } from './error-pages.ts'
import type { CompileScope } from './scope.ts'
import type { CompiledSpoe } from './spoe.ts'

const compilers: ActionCompilers<Action> = {
  ...verdictCompilers,
  ...replyCompilers,
  ...redirectCompilers,
  ...headerCompilers,
  ...requestLineCompilers,
  ...statusCompilers,
  ...variableCompilers,
  ...captureCompilers,
  ...logLevelCompilers,
  ...retryCompilers,
  ...spoeGroupCompilers,
  ...tryFilesCompilers,
  ...waitForBodyCompilers,
  ...userCompilers,
}

/** Where the fetches of a rule set's rules are looked up. */
export function checkpointOf(ruleSet: RuleSet): Checkpoint {
  return ruleSet.replace(' ', '-') as Checkpoint // the same names, but for the blank
}

/** Compiles one action; undefined after complaints. */
export function compileAction(action: Action, context: ActionContext): RuleAction | undefined {
  // The table has for each type the compiler of that type, which TypeScript cannot follow through a union.
  const compile = compilers[action.type] as ActionCompiler<Action>
  return compile(action, context)
}

/** What actions see of the section that they stand in. */
export class SectionActionContext implements ActionContext {
  readonly checkpoint: Checkpoint
  readonly #scope: CompileScope
  readonly #engines: readonly CompiledSpoe[]
  readonly #errorSections: ErrorSections

  constructor(
    checkpoint: Checkpoint,
    scope: CompileScope,
    engines: readonly CompiledSpoe[],
    errorSections: ErrorSections,
  ) {
    this.checkpoint = checkpoint
    this.#scope = scope
    this.#engines = engines
    this.#errorSections = errorSections
  }

  error(place: Place, message: string, hint?: string): void {
    this.#scope.error(place, message, hint)
  }

  format(word: Word, use: LogFormatUse): Format {
    return this.#scope.format(word, this.checkpoint, use)
  }

  expression(words: readonly Word[]): ((stream: Stream) => SampleValue | undefined) | undefined {
    const compiled = compileExpressionWords(words, 0, this.#scope.context(this.checkpoint))
    if (compiled === undefined) return undefined
    const extra = words[compiled.next]
    if (extra === undefined) return compiled.expression.evaluate
    this.error(extra.place, `'${extra.text}' does not belong to the expression`)
    return undefined
  }

  register(variable: Parameters<ActionContext['register']>[0]): void {
    this.#scope.environment.variableNames.register(variable)
  }

  bytes(file: Word): Buffer | undefined {
    return this.#scope.environment.files.bytes(file.text, file.place, 'file')
  }

  folder(name: Word): string | undefined {
    return this.#scope.environment.files.folder(name.text, name.place)
  }

  errorFile(file: Word, status: number): ErrorReply | undefined {
    return readErrorFile({ status, file, place: file.place }, this.#scope.environment)
  }

  errorSection(name: string): ReadonlyMap<number, ErrorReply> | undefined {
    return this.#errorSections.get(name)
  }

  userCompiler(name: string): ActionCompiler<UserAction> | undefined {
    return this.#scope.environment.actions?.get(name)?.compile
  }

  group(engine: string, group: string): GroupPlan | undefined {
    const found = this.#engines.find((each) => each.plan.name === engine)
    const messages = found?.groupMessages(group, this.checkpoint)
    return found === undefined || messages === undefined ? undefined : { engine: found.plan, messages }
  }
}
