/** What a kind of traffic has to say so that the runner (runner.ts) can compare two programs with it. */
import type { Random } from './random.ts'

/** Which program a side runs, and for which of the two it stands. */
export interface Role {
  readonly program: 'haproxy' | 'sluice'
}

/** What was seen of one sequence: names such as `answer 1 status` and plain text. Equal text is equal behaviour. */
export type Transcript = ReadonlyMap<string, string>

/** A running program with everything around it: origins, agents. */
export interface Side<Case> {
  /** Runs one case; `number` is new for each run, and the same on both sides. */
  run(each: Case, number: number): Promise<Transcript>
  /** What was seen that belongs to no case. */
  strays(): string[]
  /** What is wrong with the program itself: it has ended, or says that it is at fault. */
  trouble(): string | undefined
  stop(): Promise<void>
}

/** One property of a case in which the two programs differ. */
export interface Difference {
  readonly where: string
  readonly theirs: string
  readonly ours: string
}

/** A difference that is meant to be. */
export interface Known<Setup, Case> {
  readonly name: string
  /** Where docs/compatibility.md has it. */
  readonly link: string
  readonly reason: string
  /** Whether it explains this difference. */
  explains(difference: Difference, each: Case, setup: Setup): boolean
}

/** See the head of this file. */
export interface Kind<Setup, Case> {
  readonly name: string
  /** Cases of one configuration, run at the same time. */
  readonly together: number
  readonly known: readonly Known<Setup, Case>[]
  setup(random: Random): Setup
  make(random: Random, setup: Setup): Case
  start(setup: Setup, role: Role): Promise<Side<Case>>
  smallerSetups(setup: Setup): Iterable<Setup>
  smallerCases(each: Case): Iterable<Case>
  /** The configuration, as it can be given to both programs. */
  showSetup(setup: Setup): string
  /** What is sent, and what is answered behind the proxy. */
  showCase(each: Case): string
}
