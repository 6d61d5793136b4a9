/**
 * Runs cases through two programs side by side and finds those that differ: again alone, again among the others, then
 * made smaller until nothing can be left out.
 */
import type { Difference, Kind, Known, Side, Transcript } from './kind.ts'
import { Refused } from './programs.ts'
import { Random } from './random.ts'

export interface RunOptions {
  readonly seed: number
  /** How many cases. */
  readonly count: number
  /** Runs this case alone. */
  readonly only?: number
  /** Puts HAProxy on both sides: whatever differs then is the tool's fault. */
  readonly self: boolean
  /** How many differences of one form are made smaller. */
  readonly shrinks: number
  /** Configurations at the same time. */
  readonly jobs: number
  /** Cases of one configuration, where it is not what the kind says: they are other cases then. */
  readonly together?: number
  /** Called with each finding as soon as it is there. */
  onFinding(finding: Finding): void
  onProgress(done: number): void
}

export interface Finding {
  readonly kind: string
  /** The number of the case; `--only` runs it again. */
  readonly case: number
  readonly differences: readonly Difference[]
  readonly setup: string
  readonly sent: string
  readonly note: string
}

export interface RunResult {
  readonly cases: number
  /** Cases with a difference that the table does not explain. */
  readonly different: number
  /** How often each known difference was seen. */
  readonly known: ReadonlyMap<string, number>
  /** Differences that were there once and never again. */
  readonly unsteady: number
  /** Configurations that a program refused. */
  readonly refused: number
}

interface Pair<Case> {
  readonly theirs: Side<Case>
  readonly ours: Side<Case>
}

/** See the head of this file. */
export class Runner<Setup, Case> {
  readonly #kind: Kind<Setup, Case>
  readonly #options: RunOptions
  readonly #known = new Map<string, number>()
  readonly #forms = new Map<string, number>()
  #number = 0
  #cases = 0
  #different = 0
  #unsteady = 0
  #refused = 0

  constructor(kind: Kind<Setup, Case>, options: RunOptions) {
    this.#kind = kind
    this.#options = options
  }

  get #together(): number {
    return this.#options.together ?? this.#kind.together
  }

  async run(): Promise<RunResult> {
    const { count, only, jobs } = this.#options
    const together = this.#together
    const groups =
      only === undefined
        ? Array.from({ length: Math.ceil(count / together) }, (_, at) => at)
        : [Math.floor(only / together)]
    const work = async () => {
      for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
        await this.#runGroup(group, only === undefined ? undefined : only % together)
        this.#options.onProgress(this.#cases)
      }
    }
    await Promise.all(Array.from({ length: jobs }, work))
    return {
      cases: this.#cases,
      different: this.#different,
      known: this.#known,
      unsteady: this.#unsteady,
      refused: this.#refused,
    }
  }

  async #runGroup(group: number, only: number | undefined): Promise<void> {
    const random = new Random(this.#options.seed).fork(group)
    const setup = this.#kind.setup(random)
    const cases = Array.from({ length: this.#together }, (_, at) => this.#kind.make(random.fork(at), setup))
    const chosen = [...cases.entries()].filter(([at]) => only === undefined || at === only)
    const first = group * this.#together
    try {
      await this.#compareGroup(setup, new Map(chosen), first)
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      this.#refused++
      this.#report(first, setup, undefined, [], error.message)
    }
  }

  async #compareGroup(setup: Setup, cases: ReadonlyMap<number, Case>, first: number): Promise<void> {
    const pair = await this.#start(setup)
    try {
      const found = await this.#runAll(pair, cases, setup)
      this.#cases += cases.size
      for (const [at, each] of cases) {
        const differences = found.get(at) ?? []
        if (differences.length > 0) await this.#lookInto(pair, setup, cases, at, each, first + at)
      }
      this.#lookAtStrays(pair, setup, first)
    } finally {
      await stop(pair)
    }
  }

  /** What the table does not explain, for each case that differs. */
  async #runAll(
    pair: Pair<Case>,
    cases: ReadonlyMap<number, Case>,
    setup: Setup,
  ): Promise<Map<number, Difference[]>> {
    const results = await Promise.all(
      [...cases].map(async ([at, each]) => [at, await this.#compare(pair, each, setup, true)] as const),
    )
    return new Map(results.filter(([, differences]) => differences.length > 0))
  }

  async #compare(pair: Pair<Case>, each: Case, setup: Setup, counts = false): Promise<Difference[]> {
    const number = ++this.#number
    const [theirs, ours] = await Promise.all([pair.theirs.run(each, number), pair.ours.run(each, number)])
    return differencesOf(theirs, ours).filter((difference) => {
      const known = this.#explanation(difference, each, setup)
      if (known !== undefined && counts) this.#known.set(known.name, (this.#known.get(known.name) ?? 0) + 1)
      return known === undefined
    })
  }

  #explanation(difference: Difference, each: Case, setup: Setup): Known<Setup, Case> | undefined {
    // HAProxy differs from itself by accident alone.
    if (this.#options.self) return undefined
    return this.#kind.known.find((known) => known.explains(difference, each, setup))
  }

  /** Whether a difference stays, and what is the least that shows it. */
  async #lookInto(
    pair: Pair<Case>,
    setup: Setup,
    cases: ReadonlyMap<number, Case>,
    at: number,
    each: Case,
    number: number,
  ): Promise<void> {
    const again = await this.#compare(pair, each, setup)
    const last = again.length > 0 ? await this.#compare(pair, each, setup) : []
    if (last.length === 0) return await this.#lookAmongOthers(setup, cases, at, each, number)
    this.#different++
    const form = formOf(last)
    const seen = this.#forms.get(form) ?? 0
    this.#forms.set(form, seen + 1)
    if (this.#options.shrinks === 0) return this.#report(number, setup, each, last, '')
    if (seen >= this.#options.shrinks) return
    const shrinker = new Shrinker(this.#kind, form, {
      start: (smaller) => this.#start(smaller),
      compare: (running, smaller, of) => this.#compare(running, smaller, of),
    })
    const least = await shrinker.shrink({ setup, each, pair, differences: last })
    if (least.pair !== pair) await stop(least.pair)
    this.#report(number, least.setup, least.each, least.differences, '')
  }

  /** A difference that is not there when the case runs alone: is it there again when the group runs again? */
  async #lookAmongOthers(
    setup: Setup,
    cases: ReadonlyMap<number, Case>,
    at: number,
    each: Case,
    number: number,
  ): Promise<void> {
    if (cases.size === 1) return void this.#unsteady++
    const pair = await this.#start(setup)
    try {
      const found = (await this.#runAll(pair, cases, setup)).get(at)
      if (found === undefined || !(await this.#runAll(pair, cases, setup)).has(at))
        return void this.#unsteady++
      this.#different++
      this.#report(number, setup, each, found, 'only among the other cases of its configuration')
    } finally {
      await stop(pair)
    }
  }

  #lookAtStrays(pair: Pair<Case>, setup: Setup, first: number): void {
    const theirs = pair.theirs.strays().toSorted()
    const ours = pair.ours.strays().toSorted()
    if (theirs.join('\n') !== ours.join('\n')) {
      const difference = { where: 'strays', theirs: theirs.join('\n'), ours: ours.join('\n') }
      this.#report(first, setup, undefined, [difference], 'one of the cases from this number on')
    }
    for (const side of [pair.theirs, pair.ours]) {
      const trouble = side.trouble()
      if (trouble !== undefined)
        this.#report(first, setup, undefined, [], `trouble: ${trouble.slice(0, 4000)}`)
    }
  }

  async #start(setup: Setup): Promise<Pair<Case>> {
    const other = this.#options.self ? 'haproxy' : 'sluice'
    const [theirs, ours] = await Promise.allSettled([
      this.#kind.start(setup, { program: 'haproxy' }),
      this.#kind.start(setup, { program: other }),
    ])
    if (theirs.status === 'fulfilled' && ours.status === 'fulfilled') {
      return { theirs: theirs.value, ours: ours.value }
    }
    for (const side of [theirs, ours]) if (side.status === 'fulfilled') await side.value.stop()
    throw theirs.status === 'rejected' ? theirs.reason : (ours as PromiseRejectedResult).reason
  }

  #report(
    number: number,
    setup: Setup,
    each: Case | undefined,
    differences: readonly Difference[],
    note: string,
  ): void {
    this.#options.onFinding({
      kind: this.#kind.name,
      case: number,
      differences,
      setup: this.#kind.showSetup(setup),
      sent: each === undefined ? '' : this.#kind.showCase(each),
      note,
    })
  }
}

/** A case that shows the difference, with the programs that run its configuration. */
interface Shown<Setup, Case> {
  readonly setup: Setup
  readonly each: Case
  readonly pair: Pair<Case>
  readonly differences: readonly Difference[]
}

/** What the shrinker needs of the runner. */
interface Judge<Setup, Case> {
  start(setup: Setup): Promise<Pair<Case>>
  compare(pair: Pair<Case>, each: Case, setup: Setup): Promise<Difference[]>
}

/** Leaves out what can be left out while the difference keeps its form. */
class Shrinker<Setup, Case> {
  readonly #kind: Kind<Setup, Case>
  readonly #form: string
  readonly #judge: Judge<Setup, Case>
  /** What is left after so many attempts, or so long a time, is small enough to read. */
  #attempts = 200
  readonly #until = performance.now() + 60_000

  constructor(kind: Kind<Setup, Case>, form: string, judge: Judge<Setup, Case>) {
    this.#kind = kind
    this.#form = form
    this.#judge = judge
  }

  /** The programs of what is returned are running, unless they are those of `shown`. */
  async shrink(shown: Shown<Setup, Case>): Promise<Shown<Setup, Case>> {
    let least = shown
    for (let before: Shown<Setup, Case> | undefined; before !== least && this.#goesOn;) {
      before = least
      least = await this.#repeat(least, (from) => this.#smallerCase(from))
      least = await this.#repeat(least, async (from) => {
        const found = await this.#smallerSetup(from)
        if (found !== undefined && from.pair !== shown.pair) await stop(from.pair)
        return found
      })
    }
    return least
  }

  get #goesOn(): boolean {
    return this.#attempts > 0 && performance.now() < this.#until
  }

  async #repeat(
    from: Shown<Setup, Case>,
    step: (from: Shown<Setup, Case>) => Promise<Shown<Setup, Case> | undefined>,
  ): Promise<Shown<Setup, Case>> {
    const next = this.#goesOn ? await step(from) : undefined
    return next === undefined ? from : await this.#repeat(next, step)
  }

  /** On the programs that are running, some at a time. */
  async #smallerCase({ setup, each, pair }: Shown<Setup, Case>): Promise<Shown<Setup, Case> | undefined> {
    for (const some of batches([...this.#kind.smallerCases(each)], 8)) {
      this.#attempts -= some.length
      const judged = await Promise.all(
        some.map(async (smaller) => ({
          smaller,
          differences: await this.#judge.compare(pair, smaller, setup),
        })),
      )
      for (const { smaller, differences } of judged) {
        if (formOf(differences) !== this.#form) continue
        const again = await this.#judge.compare(pair, smaller, setup)
        if (formOf(again) === this.#form) return { setup, each: smaller, pair, differences: again }
      }
      if (!this.#goesOn) return undefined
    }
    return undefined
  }

  async #smallerSetup({ setup, each }: Shown<Setup, Case>): Promise<Shown<Setup, Case> | undefined> {
    for (const smaller of this.#kind.smallerSetups(setup)) {
      if (!this.#goesOn) return undefined
      this.#attempts--
      const pair = await this.#startIfTaken(smaller)
      if (pair === undefined) continue
      const differences = await this.#judge.compare(pair, each, smaller)
      if (formOf(differences) === this.#form) return { setup: smaller, each, pair, differences }
      await stop(pair)
    }
    return undefined
  }

  async #startIfTaken(setup: Setup): Promise<Pair<Case> | undefined> {
    try {
      return await this.#judge.start(setup)
    } catch (error) {
      if (error instanceof Refused) return undefined
      throw error
    }
  }
}

function* batches<T>(list: readonly T[], size: number): Generator<T[]> {
  for (let at = 0; at < list.length; at += size) yield list.slice(at, at + size)
}

async function stop(pair: Pair<unknown>): Promise<void> {
  await Promise.all([pair.theirs.stop(), pair.ours.stop()])
}

function differencesOf(theirs: Transcript, ours: Transcript): Difference[] {
  const names = new Set([...theirs.keys(), ...ours.keys()])
  return [...names].flatMap((where) => {
    const [one, other] = [theirs.get(where) ?? 'none', ours.get(where) ?? 'none']
    return one === other ? [] : [{ where, theirs: one, ours: other }]
  })
}

/**
 * Differences of one form are thought to have one cause: the first property that differs, and how. The numbers of requests
 * do not count.
 */
function formOf(differences: readonly Difference[]): string {
  const [first] = differences
  if (first === undefined) return ''
  const where = first.where.replace(/\d+ /, '')
  if (where.endsWith('headers'))
    return `${where}: ${linesOf(first.theirs, first.ours)} / ${linesOf(first.ours, first.theirs)}`
  const short = (text: string) => (text.length < 40 ? text : 'text')
  return `${where}: ${short(first.theirs)} / ${short(first.ours)}`
}

/** The names of the fields that are in one and not in the other; all of them when only their order differs. */
function linesOf(text: string, other: string): string {
  const theirs = other.split('\n')
  return text
    .split('\n')
    .filter((line) => !theirs.includes(line))
    .map((line) => line.split(':')[0])
    .join()
}
