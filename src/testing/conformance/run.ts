/** Runs the checks against an agent and gathers what they found. */
import type { Duplex } from 'node:stream'
import { monotonic } from '../../base/clock.ts'
import { errorMessage, UsageError } from '../../base/errors.ts'
import { boolean, optional, resolveOptions, strings, type Resolved, type Specs } from '../../base/options.ts'
import type { MessageInput } from '../../spop/notify.ts'
import { parseList } from '../../spop/negotiation.ts'
import { messagesOption, timeoutOption } from '../arguments.ts'
import { TestingError } from '../errors.ts'
import { connectorOf, type Connect, type ConnectOptions, type Target } from '../target.ts'
import type { Check, CheckContext, CheckPoint } from './check.ts'
import { CheckFailed, CheckSkipped, type CheckLevel } from './verdict.ts'
import { conformanceChecks } from './checks.ts'
import { Conversation } from './conversation.ts'
import { helloWith } from './frames.ts'

/** How to check. */
export interface ConformanceOptions extends ConnectOptions {
  /**
   * The NOTIFY to send: one that the agent answers with actions shows more. @default a message of a name that no
   * agent knows, which every agent must answer all the same
   */
  readonly messages?: readonly MessageInput[] | undefined
  /** A message whose handler takes longer than the agent allows. @default none: the check is skipped */
  readonly slow?: readonly MessageInput[] | undefined
  /** Stops the agent gracefully: the last check. @default none: the check is skipped */
  readonly stop?: (() => unknown) | undefined
  /** How long each answer may take, in milliseconds. @default 2000 */
  readonly timeout?: number | undefined
  /** Only the checks whose id begins with one of these. @default all */
  readonly only?: readonly string[] | undefined
  /** Keep the bytes of checks that passed too: those of their last connection. @default false */
  readonly transcripts?: boolean | undefined
  /** Called after each check. */
  readonly onResult?: ((result: ConformanceResult) => void) | undefined
}

/** What a check found. */
export interface ConformanceResult {
  /** Stable: what options name it by. */
  readonly id: string
  /** What is checked, in a sentence. */
  readonly title: string
  /** Of this finding: what is only a SHOULD may weigh less than its check. */
  readonly level: CheckLevel
  /** Where the rule stands. */
  readonly source: string
  /** The points of {@link checklist} that it covers. */
  readonly points: readonly CheckPoint[]
  /** What was found. */
  readonly status: 'pass' | 'fail' | 'skip'
  /** What should have come; only with `fail`. */
  readonly expected: string | undefined
  /** What came; only with `fail`. */
  readonly got: string | undefined
  /** Why it was not checked; only with `skip`. */
  readonly reason: string | undefined
  /** The conversation in hexadecimal, `>` to the agent and `<` from it; empty unless it failed, or `transcripts`. */
  readonly bytes: readonly string[]
  /** Milliseconds. */
  readonly duration: number
}

/** All findings. */
export interface ConformanceReport {
  /** In the order of the checks. */
  readonly results: readonly ConformanceResult[]
  /** Checks that passed. */
  readonly passed: number
  /** MUSTs that failed: with 0 the agent conforms. */
  readonly failed: number
  /** SHOULDs that failed. */
  readonly warnings: number
  /** Checks that were not made. */
  readonly skipped: number
}

const unknownSample: readonly MessageInput[] = [
  {
    name: 'sluice-probe-unknown',
    args: [
      ['probe', 'x'],
      ['', 1],
    ],
  },
]

const specs: Specs<ConformanceOptions> = {
  tls: optional('object'),
  messages: messagesOption,
  slow: messagesOption,
  stop: optional('function'),
  timeout: timeoutOption(2000),
  only: { fallback: undefined, check: strings([]).check },
  transcripts: boolean(false),
  onResult: optional('function'),
}

/** Between attempts to connect, in milliseconds. */
const retryDelay = 100

/**
 * Checks an agent in any language from outside.
 *
 * @throws TestingError `ERR_TESTING_CLOSED` when the first connection cannot be made: nothing can be said then;
 * UsageError `ERR_SLUICE_OPTION`, also for an `only` that no check has, and `ERR_SLUICE_ADDRESS`.
 * @example
 * ```ts
 * import { runConformance } from 'sluice/testing'
 *
 * const report = await runConformance('127.0.0.1:12345')
 * for (const { id, status, expected, got } of report.results) {
 *   if (status === 'fail') console.log(`${id}: wanted ${expected}, got ${got}`)
 * }
 * ```
 */
export async function runConformance(
  target: Target,
  options: ConformanceOptions = {},
): Promise<ConformanceReport> {
  const settings = resolveOptions(specs, options, 'runConformance')
  const chosen = chooseChecks(settings.only)
  const runner = new Runner(connectorOf(target, settings), settings)
  await runner.prepare()
  const results: ConformanceResult[] = []
  for (const check of chosen) {
    const result = await runner.run(check)
    results.push(result)
    settings.onResult?.(result)
  }
  const count = (status: ConformanceResult['status'], level?: CheckLevel) =>
    results.filter((result) => result.status === status && (level ?? result.level) === result.level).length
  return {
    results,
    passed: count('pass'),
    failed: count('fail', 'must'),
    warnings: count('fail', 'should'),
    skipped: count('skip'),
  }
}

/**
 * The checks whose id begins with one of these. A start that no check has is an error: a typo must not pass for an agent
 * with which all is well.
 * @throws UsageError `ERR_SLUICE_OPTION`.
 */
export function chooseChecks(only: readonly string[] | undefined): readonly Check[] {
  if (only === undefined) return conformanceChecks
  const wrong = only.find((start) => !conformanceChecks.some(({ id }) => id.startsWith(start)))
  if (wrong !== undefined || only.length === 0) {
    const what = wrong === undefined ? 'is empty' : `'${wrong}' is the beginning of no check's id`
    const groups = [...new Set(conformanceChecks.map(({ id }) => id.slice(0, id.indexOf('.'))))]
    throw new UsageError(
      'ERR_SLUICE_OPTION',
      `option only: ${what}; the groups are ${groups.join(', ')}, and sluice probe --list shows all ids`,
    )
  }
  return conformanceChecks.filter(({ id }) => only.some((start) => id.startsWith(start)))
}

class Runner implements CheckContext {
  readonly timeout: number
  readonly sample: readonly MessageInput[]
  readonly hasSample: boolean
  readonly slow: readonly MessageInput[] | undefined
  readonly stop: (() => unknown) | undefined
  announced: readonly string[] = []
  readonly #connect: Connect
  readonly #transcripts: boolean
  #open: Conversation[] = []
  #reached = false
  #current = ''
  /** The check that found nobody there any more. */
  #goneSince: string | undefined

  constructor(connect: Connect, settings: Resolved<ConformanceOptions>) {
    const { timeout, messages, slow, stop, transcripts } = settings
    this.slow = slow
    this.#transcripts = transcripts
    this.stop = stop
    this.timeout = timeout
    this.sample = messages ?? unknownSample
    this.hasSample = messages !== undefined
    this.#connect = connect
  }

  /** Finds out what the agent announces. */
  async prepare(): Promise<void> {
    const conversation = await this.open()
    try {
      await conversation.send(helloWith({ capabilities: 'pipelining,async' }))
      const { hello } = await conversation.expectHello()
      this.announced = parseList(hello.capabilities ?? '')
    } catch (error) {
      if (!(error instanceof CheckFailed)) throw error // the checks will say it
    } finally {
      this.#closeAll()
    }
  }

  async open(): Promise<Conversation> {
    const conversation = new Conversation(await this.#reach(), this.timeout)
    this.#open.push(conversation)
    return conversation
  }

  /** An agent that is being restarted after a crash gets a moment. */
  async #reach(): Promise<Duplex> {
    const until = monotonic() + this.timeout
    for (;;) {
      try {
        const stream = await this.#connect()
        this.#reached = true
        return stream
      } catch (error) {
        if (!this.#reached || monotonic() > until) throw error
      }
      await new Promise((resolve) => setTimeout(resolve, retryDelay))
    }
  }

  async shake(hello: Buffer = helloWith({})): Promise<Conversation> {
    const conversation = await this.open()
    await conversation.send(hello)
    await conversation.expectHello()
    return conversation
  }

  async run(check: Check): Promise<ConformanceResult> {
    const startedAt = monotonic()
    this.#current = check.id
    const { id, title, level, source, points } = check
    const result = {
      id,
      title,
      level,
      source,
      points,
      status: 'pass' as const,
      expected: undefined,
      got: undefined,
      reason: undefined,
      bytes: [] as readonly string[],
    }
    if (this.#goneSince !== undefined) {
      const reason = `the agent is gone since ${this.#goneSince}`
      return { ...result, status: 'skip', reason, duration: 0 }
    }
    const found = await this.#find(check)
    const last = this.#transcripts ? this.#open.at(-1)?.transcript() : undefined
    this.#closeAll()
    return { ...result, bytes: last ?? [], ...found, duration: monotonic() - startedAt }
  }

  async #find(check: Check): Promise<Partial<ConformanceResult>> {
    const found = await this.#attempt(() => check.run(this), check.level)
    if (check.hostile !== true || (found.status === 'fail' && found.level === 'must')) return found
    // However it took the bad treatment: others must not suffer.
    const alive = await this.#attempt(() => this.#checkAlive(), 'must')
    if (alive.status !== 'fail') return found
    return { ...alive, expected: `a new connection is served afterwards: ${alive.expected}` }
  }

  async #checkAlive(): Promise<void> {
    const conversation = await this.shake()
    await conversation.ask(this.sample)
  }

  async #attempt(work: () => Promise<void>, level: CheckLevel): Promise<Partial<ConformanceResult>> {
    try {
      await work()
      return {}
    } catch (error) {
      if (error instanceof CheckSkipped) return { status: 'skip', reason: error.message }
      if (!(error instanceof CheckFailed)) {
        return this.#lost(error)
      }
      const { expected, got, transcript } = error
      return { status: 'fail', expected, got, bytes: transcript, level: error.level ?? level }
    }
  }

  /** The agent takes no connections any more. */
  #lost(error: unknown): Partial<ConformanceResult> {
    if (!(error instanceof TestingError)) throw error
    this.#goneSince = this.#current
    const expected = 'that the agent is still there, after this check and the one before it'
    return { status: 'fail', expected, got: errorMessage(error), level: 'must' }
  }

  #closeAll(): void {
    for (const { wire } of this.#open) wire.destroy()
    this.#open = []
  }
}
