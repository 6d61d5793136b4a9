/** Who takes a stream on: its steps, and the holder of its wait; nobody else, and never twice. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Flow } from '#src/proxy/plan/flow.js'
import type { Wait } from '#src/proxy/plan/wait.js'
import { StepRunner } from '#src/proxy/stream/step-runner.js'
import type { Step, StepStream } from '#src/proxy/stream/step.js'

type Act = (runner: Runner) => Flow

/** Steps are acts; what happens is written down. */
class Runner extends StepRunner {
  readonly told: string[] = []
  readonly inputOver = false

  run(acts: readonly Act[], name = 'then'): this {
    const steps: Step[] = acts.map((act) => ({
      run: (stream: StepStream) => act(stream as unknown as Runner),
    }))
    this.runSteps(steps, () => void this.told.push(name))
    return this
  }

  protected runStep(step: Step): Flow {
    return step.run(this as unknown as StepStream)
  }

  protected onFault(error: unknown): void {
    this.told.push(String(error))
  }

  bytesCame(): void {
    this.inspectAgain()
  }

  leave(): void {
    this.abandonWait()
  }

  end(): void {
    this.endSteps()
  }
}

/** A step that waits once: its waits are kept for the test. */
function waiting(waits: Wait[]): Act {
  return (runner) => {
    runner.told.push(`run ${runner.position}`)
    if (runner.position++ > 0) return Flow.Next
    waits.push(runner.wait(() => void runner.told.push('abandoned')))
    return Flow.Wait
  }
}

const next: Act = (runner) => {
  runner.told.push('next')
  return Flow.Next
}

describe('a stream and its steps', () => {
  it('goes through them in order, then on', () => {
    assert.deepEqual(new Runner().run([next, next]).told, ['next', 'next', 'then'])
    assert.deepEqual(new Runner().run([]).told, ['then'])
  })

  it('goes on with the step that waited, which finds its position; the next one begins at 0', () => {
    const waits: Wait[] = []
    const runner = new Runner().run([waiting(waits), waiting(waits)])
    assert.deepEqual(runner.told, ['run 0'])
    waits[0]?.over()
    assert.deepEqual(runner.told, ['run 0', 'run 1', 'run 0'])
    waits[1]?.over()
    assert.deepEqual(runner.told.slice(3), ['run 1', 'then'])
  })

  it('is not taken on by who held an earlier wait, nor twice by one holder', () => {
    const waits: Wait[] = []
    const runner = new Runner().run([waiting(waits), waiting(waits)])
    waits[0]?.over()
    waits[0]?.over()
    waits[0]?.over()
    assert.deepEqual(runner.told, ['run 0', 'run 1', 'run 0'])
    waits[1]?.over()
    waits[1]?.over()
    assert.deepEqual(runner.told.slice(3), ['run 1', 'then'])
  })

  it('is not taken on by bytes while it waits for something else', () => {
    const waits: Wait[] = []
    const runner = new Runner().run([
      (stream) => (stream.position++ > 0 ? Flow.Next : stream.awaitBytes()),
      waiting(waits),
      next,
    ])
    assert.deepEqual(runner.told, [])
    runner.bytesCame()
    runner.bytesCame()
    assert.deepEqual(runner.told, ['run 0'])
    waits[0]?.over()
    assert.deepEqual(runner.told, ['run 0', 'run 1', 'next', 'then'])
  })

  it('runs the step again when the wait is over before the step has returned, not inside it', () => {
    const depths: number[] = []
    let depth = 0
    const runner = new Runner().run([
      (stream) => {
        depths.push(++depth)
        const flow = stream.position++ > 0 ? Flow.Next : Flow.Wait
        if (flow === Flow.Wait) stream.wait().over()
        depth--
        return flow
      },
      next,
    ])
    assert.deepEqual(depths, [1, 1])
    assert.deepEqual(runner.told, ['next', 'then'])
  })

  it('stops at a step that ends it, and at one that has begun other steps', () => {
    assert.deepEqual(new Runner().run([() => Flow.Over, next]).told, [])
    const runner = new Runner().run([(stream) => (stream.run([next], 'others'), Flow.Next), next])
    assert.deepEqual(runner.told, ['next', 'others'])
  })

  it('goes no further once it has ended, whoever wakes it', async () => {
    const waits: Wait[] = []
    const runner = new Runner().run([waiting(waits), next])
    runner.end()
    assert.deepEqual(runner.told, ['run 0', 'abandoned'])
    waits[0]?.over()
    assert.deepEqual(runner.told, ['run 0', 'abandoned'])
    const inspecting = new Runner()
    inspecting.inspection.begin(1)
    inspecting.end()
    await sleep(20)
    assert.equal(inspecting.inspection.expired, false)
    const ended = new Runner().run([(stream) => (stream.end(), Flow.Next)])
    assert.deepEqual(ended.told, [])
  })

  it('tells the holder of a wait once that it interests nobody', () => {
    const waits: Wait[] = []
    const runner = new Runner().run([waiting(waits)])
    runner.leave()
    runner.leave()
    waits[0]?.over()
    assert.deepEqual(runner.told, ['run 0', 'abandoned'])
  })

  it('a step that throws is a fault, and the next steps run', () => {
    const runner = new Runner().run([
      () => {
        throw new Error('boom')
      },
    ])
    assert.deepEqual(runner.told, ['Error: boom'])
    const waits: Wait[] = []
    runner.run([waiting(waits)])
    waits[0]?.over()
    assert.deepEqual(runner.told, ['Error: boom', 'run 0', 'run 1', 'then'])
  })

  it('the end of inspect-delay takes on rules that wait for bytes, and interrupts what else can be', async () => {
    const runner = new Runner().run([
      (stream) => {
        stream.inspection.begin(5)
        return stream.position++ > 0 ? Flow.Next : stream.awaitBytes()
      },
    ])
    await sleep(30)
    assert.deepEqual(runner.told, ['then'])
    for (const interruptible of [true, false]) {
      const other = new Runner()
      other.run([
        (stream) => {
          stream.inspection.begin(5)
          if (stream.position++ > 0) return Flow.Next
          const wait = stream.wait()
          if (interruptible) wait.interrupt = () => wait.over()
          return Flow.Wait
        },
      ])
      await sleep(30)
      assert.deepEqual(other.told, interruptible ? ['then'] : [])
      other.end()
    }
  })
})
