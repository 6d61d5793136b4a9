/** An `fcgi-app` section into what a stream needs. */
import type { FcgiApp } from '../../config/index.ts'
import { errorMessage } from '../../base/errors.ts'
import { resolveFcgiApp } from '../../fcgi/codec/app.ts'
import { compileRegex } from '../../sample/index.ts'
import type { FcgiPlan, FcgiRulePlan } from '../plan/fcgi.ts'
import { CompileScope } from './scope.ts'
import type { CompileEnvironment } from './scope.ts'

/** Undefined after complaints. */
export function compileFcgiApp(model: FcgiApp, environment: CompileEnvironment): FcgiPlan | undefined {
  const scope = new CompileScope(environment, { kind: 'backend', mode: 'http' })
  scope.declareAcls(model.acls)
  const docroot = model.docroot?.text
  const index = model.index?.text
  const pathInfo = model.pathInfo === undefined ? undefined : compileRegex(model.pathInfo.text)
  if (model.pathInfo !== undefined && typeof pathInfo === 'string') {
    scope.error(model.pathInfo.place, pathInfo)
    return undefined
  }
  const rules = model.rules.map((rule): FcgiRulePlan => {
    const condition = scope.condition(rule.condition, 'http-request')?.test
    const format = rule.type === 'set-param' ? scope.format(rule.format, 'http-request', 'header') : undefined
    return { condition, name: rule.name.text, format }
  })
  // That it has none was told when the sections were checked.
  if (docroot === undefined) return undefined
  try {
    const app = resolveFcgiApp({
      docroot,
      ...(index === undefined ? {} : { index }),
      ...(pathInfo instanceof RegExp ? { pathInfo } : {}),
    })
    return { model, app, sample: { docroot, index }, rules, logTargets: scope.logTargets(model.logStderr) }
  } catch (error) {
    scope.error(model.place, errorMessage(error))
    return undefined
  }
}
