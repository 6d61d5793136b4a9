/** Takes a stream through a list of steps: each of them finishes at once, waits, or ends the stream. */
import { Flow } from '../plan/flow.ts'
import { Wait } from '../plan/wait.ts'
import { Inspection } from './inspection.ts'
import type { Step } from './step.ts'

const noSteps: readonly Step[] = []
const nothing = (): void => {}

/** What streams begin with. A stream has at most one wait; see {@link Wait} for who may end it. */
export abstract class StepRunner {
  /** What samples show now will not change. */
  final = true
  /** The rules that run may not wait: an action asks before it begins something. */
  hurried = false
  /** The rules that run are content rules. */
  inspecting = false
  /** Whether the stream has ended: nothing may happen to it any more. */
  over = false
  /** What the current step has to remember. */
  position = 0

  #steps: readonly Step[] = noSteps
  #at = 0
  #then: (stream: never) => void = nothing
  #running = false
  #wait: Wait | undefined
  /** The wait for more bytes, while it is one. */
  #bytes: Wait | undefined
  #inspection: Inspection | undefined

  /** Whether no more bytes can come from the side that content rules look at now. */
  abstract get inputOver(): boolean
  /** Runs a step on this stream. */
  protected abstract runStep(step: Step): Flow
  /** A step has thrown: a fault of ours, which costs this stream and nothing else. */
  protected abstract onFault(error: unknown): void

  /** Runs `steps`, then calls `then` with this stream unless one of them ended it: a function for all streams costs no closure. */
  protected runSteps(steps: readonly Step[], then: (stream: this) => void): void {
    // What every stream without rules does.
    if (steps.length === 0) return then(this)
    this.#steps = steps
    this.#at = 0
    this.position = 0
    this.#then = then
    this.#advance()
  }

  #advance(): void {
    try {
      this.#step()
    } catch (error) {
      this.#running = false
      this.#steps = noSteps
      this.onFault(error)
    }
  }

  #step(): void {
    this.#running = true
    const steps = this.#steps
    while (this.#at < steps.length) {
      const flow = this.runStep(steps[this.#at] as Step) // at < length
      // Over already: whoever was waited for has answered on our stack.
      if (flow === Flow.Wait && this.#wait === undefined && !this.over) continue
      if (flow === Flow.Wait || flow === Flow.Over || this.#steps !== steps) {
        this.#running = false
        return
      }
      this.#at++
      this.position = 0
    }
    this.#running = false
    const then = this.#then
    this.#steps = noSteps
    this.#then = nothing
    if (!this.over) then(this as never) // it was given by this stream, for itself
  }

  // Waits.

  /**
   * Begins a wait, for a step that answers `Flow.Wait`.
   * @param abandon told when the stream ends, or is answered, before
   */
  wait(abandon: () => void = nothing): Wait {
    return (this.#wait = new Wait(this, abandon))
  }

  /** For the wait itself: only who holds it can call this with it. */
  wake(wait: Wait): void {
    if (this.#wait !== wait || this.over) return
    this.#wait = undefined
    if (!this.#running) this.#advance()
  }

  /** What the step waits for interests nobody any more. */
  protected abandonWait(): void {
    const wait = this.#wait
    this.#wait = undefined
    wait?.abandon()
  }

  // Inspection.

  get inspection(): Inspection {
    return (this.#inspection ??= new Inspection(() => this.#onInspected()))
  }

  eventAsked(): void {}

  /** Content rules cannot decide on the bytes that are there. */
  awaitBytes(): Flow {
    this.#bytes = this.wait()
    return Flow.Wait
  }

  /** Whether it is bytes that are waited for. */
  get awaitsBytes(): boolean {
    return this.#bytes !== undefined && this.#bytes === this.#wait
  }

  /** More bytes have come, or the last ones: rules that wait for bytes, and for nothing else, look again. */
  inspectAgain(): void {
    this.#bytes?.over()
  }

  /** `inspect-delay` has run out: the rules decide on what there is, and without what an action waits for. */
  #onInspected(): void {
    if (this.awaitsBytes) this.inspectAgain()
    else this.#wait?.interrupt?.()
  }

  /** The stream has ended. */
  protected endSteps(): void {
    this.over = true
    this.#inspection?.end()
    this.abandonWait()
  }
}
