/** Actions of the model into actions that run. */
import type { Action, HttpReply, RuleSet, SetVarAction, Word } from '../../config/index.ts'
import { isHeaderValue, isToken } from '../../http1/index.ts'
import { compileExpressionWords, compileRegex } from '../../sample/index.ts'
import type { Ruleset, SampleValue, Stream } from '../../sample/index.ts'
import { str } from '../../sample/value.ts'
import { addHeader, delHeader, nameMatcher, setHeader } from '../actions/headers.ts'
import { redirect } from '../actions/redirect.ts'
import { deny, returnReply, setStatus } from '../actions/replies.ts'
import type { ReplyPlan } from '../actions/replies.ts'
import { sendSpoeGroup } from '../actions/spoe-group.ts'
import { setPath, setQuery } from '../actions/target.ts'
import { setVar, unsetVar } from '../actions/variables.ts'
import { accept, allow, reject } from '../actions/verdicts.ts'
import type { RuleAction } from '../plan/rule.ts'
import type { CompileScope } from './scope.ts'
import type { CompiledSpoe } from './spoe.ts'

/** Where the fetches of a rule set's rules are looked up. */
export function rulesetOf(ruleSet: RuleSet): Ruleset {
  return ruleSet.replace(' ', '-') as Ruleset // the same names, but for the blank
}

/** Compiles one action; undefined after complaints. */
export function compileAction(
  action: Action,
  ruleset: Ruleset,
  scope: CompileScope,
  engines: readonly CompiledSpoe[],
): RuleAction | undefined {
  switch (action.type) {
    case 'accept':
      return accept
    case 'allow':
      return allow
    case 'reject':
      return reject
    case 'deny':
      return deny(compileReply(action.reply, ruleset, scope))
    case 'return':
      return returnReply(compileReply(action.reply, ruleset, scope))
    case 'redirect':
      return redirect(action, scope.format(action.format, ruleset, 'header'))
    case 'set-header':
    case 'add-header':
      return compileHeader(action, ruleset, scope)
    case 'del-header':
      return compileDelHeader(action, scope)
    case 'set-path':
      return setPath(scope.format(action.format, ruleset, 'header'))
    case 'set-query':
      return setQuery(scope.format(action.format, ruleset, 'header'))
    case 'set-status':
      return compileSetStatus(action, scope)
    case 'set-var':
    case 'set-var-fmt':
      return compileSetVar(action, ruleset, scope)
    case 'unset-var':
      scope.environment.variableNames.register(action.variable)
      return unsetVar(action.variable)
    case 'send-spoe-group':
      return compileSendGroup(action, ruleset, engines)
  }
}

type ActionOf<Type extends Action['type']> = Extract<Action, { readonly type: Type }>
type HeaderAction = Extract<Action, { readonly name: Word; readonly format: Word }>

function compileHeader(action: HeaderAction, ruleset: Ruleset, scope: CompileScope): RuleAction | undefined {
  const format = scope.format(action.format, ruleset, 'header')
  if (!checkName(action.name, scope)) return undefined
  return action.type === 'set-header'
    ? setHeader(action.name.text, format)
    : addHeader(action.name.text, format)
}

function checkName(name: Word, scope: CompileScope): boolean {
  if (isToken(name.text)) return true
  scope.error(name.place, `'${name.text}' is not a header name`, 'letters, digits and - are safe')
  return false
}

function compileDelHeader(action: ActionOf<'del-header'>, scope: CompileScope): RuleAction | undefined {
  const { name, match } = action
  const regex = match === 'reg' ? compileRegex(name.text, { ignoreCase: true }) : undefined
  if (typeof regex === 'string') {
    scope.error(name.place, regex)
    return undefined
  }
  return delHeader(nameMatcher(match, name.text, regex))
}

function compileSetStatus(action: ActionOf<'set-status'>, scope: CompileScope): RuleAction | undefined {
  const { status, reason } = action
  if (reason !== undefined && !isHeaderValue(reason.text)) {
    scope.error(reason.place, 'the reason has a character that cannot be sent')
    return undefined
  }
  return setStatus(status, reason?.text)
}

function compileSetVar(action: SetVarAction, ruleset: Ruleset, scope: CompileScope): RuleAction | undefined {
  const { variable, conditions } = action
  scope.environment.variableNames.register(variable)
  if (action.type === 'set-var-fmt') {
    const format = scope.format(action.format, ruleset, 'plain')
    return setVar(variable, conditions, (stream: Stream) => str(format(stream)))
  }
  const words = action.expression
  const compiled = compileExpressionWords(words, 0, scope.context(ruleset))
  if (compiled === undefined) return undefined
  const extra = words[compiled.next]
  if (extra !== undefined) {
    scope.error(extra.place, `'${extra.text}' does not belong to the expression`)
    return undefined
  }
  const evaluate: (stream: Stream) => SampleValue | undefined = compiled.expression.evaluate
  return setVar(variable, conditions, evaluate)
}

function compileSendGroup(
  action: ActionOf<'send-spoe-group'>,
  ruleset: Ruleset,
  engines: readonly CompiledSpoe[],
): RuleAction | undefined {
  // An engine or a group that does not exist was reported when the SPOE files were checked.
  const engine = engines.find((each) => each.plan.name === action.engine.text)
  const messages = engine?.groupMessages(action.group.text, ruleset)
  if (engine === undefined || messages === undefined) return undefined
  return sendSpoeGroup(engine.plan, action.group.text, messages)
}

function compileReply(reply: HttpReply, ruleset: Ruleset, scope: CompileScope): ReplyPlan {
  const headers = reply.headers.flatMap(({ name, format }) => {
    const compiled = scope.format(format, ruleset, 'header')
    return checkName(name, scope) ? [{ name: name.text, format: compiled }] : []
  })
  return {
    status: reply.status,
    contentType: reply.contentType?.text,
    isPage: reply.body?.kind === 'error-page',
    body: compileBody(reply, ruleset, scope),
    headers,
  }
}

function compileBody(
  { body }: HttpReply,
  ruleset: Ruleset,
  scope: CompileScope,
): ((stream: Stream) => Buffer) | undefined {
  if (body === undefined) return undefined
  const { files } = scope.environment
  switch (body.kind) {
    case 'error-page':
      return undefined
    case 'string': {
      const bytes = Buffer.from(body.text.text, 'latin1')
      return () => bytes
    }
    case 'file': {
      const bytes = files.bytes(body.file.text, body.file.place, 'file')
      return () => bytes ?? Buffer.alloc(0)
    }
    case 'lf-string': {
      const format = scope.format(body.format, ruleset, 'header')
      return (stream) => Buffer.from(format(stream), 'latin1')
    }
    case 'lf-file': {
      const text = files.text(body.file.text, body.file.place, 'file') ?? ''
      const format = scope.format({ ...body.file, text }, ruleset, 'header')
      return (stream) => Buffer.from(format(stream), 'latin1')
    }
  }
}
