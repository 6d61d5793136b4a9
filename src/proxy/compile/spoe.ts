/** `filter spoe` lines: reads the SPOE files, compiles messages for the phases in which they are sent. */
import {
  checkSpoeEngines,
  Diagnostics,
  effectiveEvent,
  engineName,
  parseSpoeFile,
  spoeEvents,
} from '../../config/index.ts'
import type {
  Config,
  Environment,
  SpoeAgent,
  SpoeEngine,
  SpoeEvent,
  SpoeMessage,
} from '../../config/index.ts'
import { compileExpression, eventCheckpoints } from '../../sample/index.ts'
import type { Checkpoint } from '../../sample/index.ts'
import type { SpoeMessagePlan, SpoePlan } from '../plan/spoe.ts'
import { CompileScope } from './scope.ts'
import type { CompileEnvironment } from './scope.ts'
import { fitToBackend } from './spop-agent.ts'

/** A filter, and its groups for the rules that send them. */
export interface CompiledSpoe {
  readonly plan: SpoePlan
  /** The messages of a group, compiled for a rule set; undefined when there is no such group. */
  groupMessages(group: string, checkpoint: Checkpoint): readonly SpoeMessagePlan[] | undefined
}

/** Reads all SPOE files, and reports how they fit the configuration. */
export function readSpoeEngines(
  config: Config,
  env: Environment,
  environment: CompileEnvironment,
): SpoeEngine[] {
  const engines: SpoeEngine[] = []
  const { files, diagnostics } = environment
  for (const proxy of config.proxies) {
    for (const filter of proxy.filters) {
      if (filter.type !== 'spoe') continue
      const { config: file, engine, place } = filter
      const text = files.text(file.text, file.place, 'SPOE file')
      if (text === undefined) continue
      const read = parseSpoeFile(text, file.text, env, engine?.text, place, config.global.bufferSize)
      const parsed = fitToBackend(read, config)
      diagnostics.list.push(...parsed.diagnostics)
      if (parsed.spoe !== undefined) engines.push({ proxy, filter, spoe: parsed.spoe })
    }
  }
  diagnostics.list.push(...checkSpoeEngines(config, engines))
  return engines
}

/** Compiles one filter. */
export function compileSpoe(engine: SpoeEngine, environment: CompileEnvironment): CompiledSpoe {
  const { proxy, spoe } = engine
  const { agent } = spoe
  const { variableNames } = environment
  registerNames(engine, environment)
  const compiled = new Map<string, SpoeMessagePlan>()
  const compile = (message: SpoeMessage, checkpoint: Checkpoint): SpoeMessagePlan => {
    const key = `${checkpoint} ${message.name}`
    const known = compiled.get(key)
    if (known !== undefined) return known
    const plan = compileMessage(message, agent, checkpoint, new CompileScope(environment, proxy))
    compiled.set(key, plan)
    return plan
  }
  checkUnsent(engine, environment)
  const byEvent = new Map<SpoeEvent, SpoeMessagePlan[]>(spoeEvents.map((event) => [event, []]))
  for (const { text: name } of agent.messages) {
    const message = spoe.messages.find((each) => each.name === name)
    const event = message === undefined ? undefined : effectiveEvent(proxy, message)
    if (message !== undefined && event !== undefined) {
      byEvent.get(event)?.push(compile(message, eventCheckpoints[event]))
    }
  }
  const logs = new CompileScope(environment, proxy).logTargets(agent.logs)
  const plan: SpoePlan = {
    name: engineName(engine),
    agent,
    backend: agent.useBackend?.text,
    logTargets: logs,
    logTag: environment.globalLogTag,
    eventMessages: (event) => byEvent.get(event) ?? [],
    maySet: (scope, name) =>
      agent.forceSetVar || variableNames.has({ scope, name } as Parameters<typeof variableNames.has>[0]),
  }
  return {
    plan,
    groupMessages: (name, checkpoint) => {
      const group = spoe.groups.find((each) => each.name === name)
      return group?.messages.flatMap(({ text }) => {
        const message = spoe.messages.find((each) => each.name === text)
        return message === undefined ? [] : [compile(message, checkpoint)]
      })
    },
  }
}

/**
 * Messages that nobody sends, or at no event, perhaps because a name was misspelled, have mistakes too. Where they would
 * be sent is not known, so nothing is said about what is available there.
 */
function checkUnsent({ proxy, spoe }: SpoeEngine, environment: CompileEnvironment): void {
  const diagnostics = new Diagnostics()
  const unsent = spoe.messages.filter(({ event }) => event === undefined)
  for (const message of [...unsent, ...spoe.unusedMessages]) {
    compileMessage(
      message,
      spoe.agent,
      'http-request',
      new CompileScope({ ...environment, diagnostics }, proxy),
    )
  }
  const known = diagnostics.list.filter(({ code }) => code !== 'CFG_SAMPLE_CONTEXT')
  environment.diagnostics.list.push(...known)
}

/** `register-var-names` makes names known in every scope, the filter's own variables in that of the transaction. */
function registerNames({ spoe: { agent } }: SpoeEngine, { variableNames }: CompileEnvironment): void {
  const { varPrefix, setOnError, setProcessTime, setTotalTime } = agent
  for (const name of agent.registerVarNames) {
    for (const scope of ['proc', 'sess', 'txn', 'req', 'res'] as const) {
      variableNames.register({ scope, name: `${varPrefix}.${name}` })
    }
  }
  for (const name of [setOnError, setProcessTime, setTotalTime]) {
    if (name !== undefined) variableNames.register({ scope: 'txn', name: `${varPrefix}.${name}` })
  }
}

function compileMessage(
  message: SpoeMessage,
  agent: SpoeAgent,
  checkpoint: Checkpoint,
  scope: CompileScope,
): SpoeMessagePlan {
  scope.declareAcls(message.acls)
  const condition = scope.condition(message.event?.condition, checkpoint)
  const args = message.args.flatMap(({ name = '', expr }) => {
    const expression = compileExpression(expr, scope.context(checkpoint))
    if (expression === undefined) return []
    const { evaluate, stable, text } = expression
    return [{ name, evaluate, shared: stable ? text : undefined }]
  })
  const { name, noWait, timeout = agent.timeouts.processing } = message
  return { name, condition: condition?.test, args, timeout, noWait }
}
