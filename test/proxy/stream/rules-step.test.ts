/** How the rules of one set run and wait: a table of rules by what their conditions say, and what the stream is told. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Flow } from '#src/proxy/plan/flow.js'
import type { RulePlan } from '#src/proxy/plan/rule.js'
import { BodyStep } from '#src/proxy/stream/body-step.js'
import { Inspection } from '#src/proxy/stream/inspection.js'
import { RulesStep } from '#src/proxy/stream/rules-step.js'
import type { StepStream } from '#src/proxy/stream/step.js'

type Verdict = 0 | 1 | 2

/** What a step looks at and changes. */
function streamOf({ inputOver = false, expired = false } = {}) {
  const told: string[] = []
  const stream = {
    position: 0,
    final: true,
    hurried: false,
    inspecting: false,
    inputOver,
    inspection: {
      expired,
      begin: (delay: number) => void told.push(`begin ${delay}`),
      end: () => void told.push('end'),
    },
    awaitBytes: () => (told.push('bytes'), Flow.Wait),
    awaitBufferedBody: () => (told.push('body'), Flow.Wait),
  }
  return { stream: stream as unknown as StepStream & { inputOver: boolean }, told }
}

type Told = ReturnType<typeof streamOf>

/** A rule that writes its name down with what the stream says at that time. */
function rule(name: string, { told, stream }: Told, verdict: Verdict | undefined, flow: Flow): RulePlan {
  const flags = () => `${stream.final ? 'f' : ''}${stream.hurried ? 'h' : ''}${stream.inspecting ? 'i' : ''}`
  const run = (): Flow => {
    told.push(`${name}:${flags()}`)
    return flow
  }
  return {
    condition: verdict === undefined ? undefined : () => verdict,
    action: { type: name, run },
  } as unknown as RulePlan // nobody asks for its place
}

describe('rules', () => {
  const cases: readonly (readonly [
    string,
    readonly (readonly [Verdict | undefined, Flow])[],
    string,
    Flow,
  ])[] = [
    ['none', [], '', Flow.Next],
    ['one without a condition', [[undefined, Flow.Next]], '0:f', Flow.Next],
    [
      'yes, no and unknown',
      [
        [2, Flow.Next],
        [0, Flow.Next],
        [1, Flow.Next],
        [undefined, Flow.Next],
      ],
      '0:f 3:f',
      Flow.Next,
    ],
    [
      'one that ends the set',
      [
        [2, Flow.Stop],
        [2, Flow.Next],
      ],
      '0:f',
      Flow.Next,
    ],
    [
      'one that ends the stream',
      [
        [2, Flow.Over],
        [2, Flow.Next],
      ],
      '0:f',
      Flow.Over,
    ],
    [
      'one that waits',
      [
        [2, Flow.Next],
        [2, Flow.Wait],
        [2, Flow.Next],
      ],
      '0:f 1:f',
      Flow.Wait,
    ],
  ]
  for (const [name, rows, wanted, flow] of cases) {
    it(`run in their order: ${name}`, () => {
      const all = streamOf()
      const rules = rows.map(([verdict, each], at) => rule(String(at), all, verdict, each))
      assert.equal(new RulesStep(rules, undefined).run(all.stream), flow)
      assert.equal(all.told.join(' '), wanted)
    })
  }

  it('go on with the rule behind the one that has waited', () => {
    const all = streamOf()
    const rules = [Flow.Next, Flow.Wait, Flow.Next].map((flow, at) => rule(String(at), all, undefined, flow))
    const step = new RulesStep(rules, undefined)
    assert.equal(step.run(all.stream), Flow.Wait)
    assert.equal(step.run(all.stream), Flow.Next)
    assert.deepEqual(all.told, ['0:f', '1:f', '2:f'])
  })
})

describe('content rules', () => {
  it('without a delay decide at once, on what there is', () => {
    const all = streamOf()
    const rules = [rule('unknown', all, 1, Flow.Next), rule('yes', all, 2, Flow.Next)]
    assert.equal(new RulesStep(rules, { delay: undefined }).run(all.stream), Flow.Next)
    assert.deepEqual(all.told, ['yes:fhi', 'end'])
  })

  it('with a delay wait for bytes, and are asked again from the first one on', () => {
    const all = streamOf()
    let known: Verdict = 1
    const second = { ...rule('second', all, 2, Flow.Next), condition: () => known }
    const step = new RulesStep([rule('first', all, 2, Flow.Next), second], { delay: 50 })
    assert.equal(step.run(all.stream), Flow.Wait)
    assert.deepEqual(all.told, ['first:i', 'bytes', 'begin 50'])
    assert.equal(all.stream.position, 0)
    all.told.length = 0
    known = 2
    assert.equal(step.run(all.stream), Flow.Next)
    assert.deepEqual(all.told, ['first:i', 'second:i', 'end'])
  })

  it('leave nothing behind on the stream', () => {
    for (const flow of [Flow.Next, Flow.Over]) {
      const all = streamOf()
      new RulesStep([rule('0', all, 2, flow)], { delay: 50 }).run(all.stream)
      const { final, hurried, inspecting } = all.stream
      assert.deepEqual({ final, hurried, inspecting }, { final: true, hurried: false, inspecting: false })
    }
  })

  it('see what is there as all there is once the side that is read has ended; an agent may still be asked', () => {
    const all = streamOf({ inputOver: true })
    new RulesStep([rule('0', all, 2, Flow.Next)], { delay: 50 }).run(all.stream)
    assert.deepEqual(all.told, ['0:fi', 'end'])
  })

  it('wait for nothing any more once the delay is over', () => {
    const all = streamOf({ expired: true })
    new RulesStep([rule('0', all, 2, Flow.Next)], { delay: 50 }).run(all.stream)
    assert.deepEqual(all.told, ['0:fhi', 'end'])
  })

  it('whose action waits begin the delay, and one that waits without a delay begins none to speak of', () => {
    for (const delay of [50, undefined]) {
      const all = streamOf()
      assert.equal(new RulesStep([rule('0', all, 2, Flow.Wait)], { delay }).run(all.stream), Flow.Wait)
      assert.equal(all.told.at(-1), `begin ${delay ?? 0}`)
    }
  })
})

describe('inspect-delay', () => {
  const started = () => {
    let expired = 0
    const inspection = new Inspection(() => expired++)
    return { inspection, expired: () => expired }
  }

  it('is over once, and stays over', async () => {
    const { inspection, expired } = started()
    inspection.begin(10)
    assert.equal(inspection.expired, false)
    await sleep(40)
    assert.equal(inspection.expired, true)
    inspection.begin(10)
    await sleep(40)
    assert.equal(expired(), 1)
  })

  it('is that of the first wait: a later one makes it no longer', async () => {
    const { inspection, expired } = started()
    inspection.begin(30)
    await sleep(10)
    inspection.begin(10_000)
    await sleep(60)
    assert.equal(expired(), 1)
  })

  it('does not pass when the rules have come through, and is whole for the next ones', async () => {
    const { inspection, expired } = started()
    inspection.begin(20)
    inspection.end()
    inspection.begin(60)
    await sleep(40)
    assert.equal(expired(), 0)
    await sleep(60)
    assert.equal(expired(), 1)
    inspection.end()
    assert.equal(inspection.expired, false)
    inspection.begin(0)
    await sleep(20)
    assert.equal(expired(), 2)
  })
})

it('option http-buffer-request waits for the body once', () => {
  const { stream, told } = streamOf()
  const step = new BodyStep()
  assert.equal(step.run(stream), Flow.Wait)
  assert.equal(step.run(stream), Flow.Next)
  assert.deepEqual(told, ['body'])
})
