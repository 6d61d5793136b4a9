/** `http-check` into requests. */
import type { CheckText, HttpCheck, HttpCheckRound, HttpExpect } from '../../config/index.ts'
import { compileRegex } from '../../sample/index.ts'
import type { CheckExpect, CheckRoundPlan, HttpCheckPlan } from '../plan/health-check.ts'
import type { Format } from '../plan/rule.ts'
import type { CompileScope } from './scope.ts'

/** Complaints go to the scope's diagnostics. */
export function compileHttpCheck({ rounds }: HttpCheck, scope: CompileScope): HttpCheckPlan {
  const [first, ...others] = rounds
  return [compileRound(first, scope), ...others.map((round) => compileRound(round, scope))]
}

function compileRound(model: HttpCheckRound, scope: CompileScope): CheckRoundPlan {
  const { method, version } = model
  const uri = onOneLine(compileText(model.uri, scope))
  const body = compileText(model.body, scope)
  const headers = model.headers.map(([name, value]) => [name, onOneLine(compileText(value, scope))] as const)
  return {
    model,
    expects: model.expects.flatMap((each) => compileExpect(each, scope)),
    request: (stream) => ({
      method,
      uri: uri(stream),
      version,
      headers: headers.map(([name, value]) => [name, value(stream)] as const),
      body: body(stream),
    }),
  }
}

function compileExpect(expect: HttpExpect, scope: CompileScope): CheckExpect[] {
  if (expect.kind === 'status' || expect.kind === 'string') return [expect]
  const { kind, negated } = expect
  const pattern = compileRegex(expect.pattern.text)
  if (typeof pattern !== 'string') return [{ kind, negated, pattern }]
  scope.error(expect.pattern.place, pattern)
  return []
}

/** HAProxy gives these formats no options: it encodes nothing, and quotes what is empty. */
function compileText(text: CheckText, scope: CompileScope): Format {
  return typeof text === 'string' ? () => text : scope.format(text, 'health-check', 'plain')
}

// oxlint-disable-next-line no-control-regex -- they are what is looked for
const control = /[\0-\x08\x0a-\x1f\x7f]/g

/** With control characters as `%XX`: no variable of the environment is to end a line. */
function onOneLine(format: Format): Format {
  const encode = (char: string) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
  return (stream) => format(stream).replace(control, encode)
}
