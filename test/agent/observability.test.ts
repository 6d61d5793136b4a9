/** What an agent tells about itself: counters, Prometheus text, the frame trace, the log. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { formatPrometheus, latencyBounds, type TraceEvent } from 'sluice/agent'
import {
  ack,
  agentHello,
  haproxyDisconnect,
  healthCheck,
  hello,
  idsOf,
  notify,
  notifyStart,
  unsetFin,
} from '../support/peer.ts'
import { until } from '../support/until.ts'
import { MemoryLogger, stage } from './support.ts'

describe('stats', () => {
  it('count what happened, and a snapshot stays as it was', async (t) => {
    const { open, connect, agent } = await stage(t, { deadline: 200 }, (it) => {
      it.message('good', () => {})
      it.message('bad', () => Promise.reject(new Error('no')))
      it.message('hangs', () => new Promise(() => {}))
    })
    const before = agent.stats
    await (await connect()).greet(healthCheck)
    const peer = await open()
    const sent = [
      notify('01 01', '04 "good" 00 04 "good" 00'),
      notify('02 01', '03 "bad" 00'),
      notify('03 01', '05 "hangs" 00'),
      notify('04 01', '07 "unknown" 00'),
      notifyStart('05 01'),
      unsetFin('05 01'),
    ]
    peer.send(...sent)
    await peer.frames(5)
    const { eventLoopLag, messages, ...rest } = agent.stats
    const ackSize = 11
    assert.deepEqual(rest, {
      connections: { active: 2, accepted: 1, refused: 0, reset: 0, healthChecks: 1 },
      frames: { received: 8, notifies: 5, acks: 5 },
      fragments: { joined: 1, aborted: 0 },
      bytes: {
        received: healthCheck.length + hello().length + Buffer.concat(sent).length,
        sent: agentHello('fragmentation').length + agentHello().length + 5 * ackSize,
      },
      inFlight: 0,
      ready: true,
      unknownMessages: 1,
      errors: { ERR_AGENT_HANDLER: 1, ERR_AGENT_DEADLINE: 1 },
      disconnects: {},
    })
    assert.deepEqual([...messages.keys()], ['good', 'bad', 'hangs'])
    const { latency, ...good } = messages.get('good') ?? assert.fail()
    assert.deepEqual(good, { received: 2, errors: 0, deadlines: 0, overloads: 0, late: 0, oversized: 0 })
    assert.equal(latency.count, 2)
    assert.equal(latency.counts.length, latencyBounds.length + 1)
    assert.equal(
      latency.counts.reduce((sum, each) => sum + each),
      2,
    )
    const slow = messages.get('hangs')?.latency
    assert.ok((slow?.sum ?? 0) >= 9, 'a deadline counts with the time that it took')
    assert.ok(eventLoopLag.max >= 0)
    assert.equal(before.frames.received, 0)
    assert.equal(before.messages.get('good')?.received, 0)
  })
})

interface Family {
  readonly type: string
  readonly samples: { name: string; labels: Record<string, string>; value: number }[]
}

/** Reads the exposition format strictly: each sample stands behind HELP and TYPE of its family. */
function parsePrometheus(text: string): Map<string, Family> {
  const families = new Map<string, Family>()
  let current = ''
  assert.ok(text.endsWith('\n'))
  for (const line of text.slice(0, -1).split('\n')) {
    const help = /^# HELP ([a-z_]+) (.+)$/.exec(line)
    const type = /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/.exec(line)
    const sample = /^([a-z_]+)(?:\{(.*)\})? (-?[0-9.e+-]+)$/.exec(line)
    if (help?.[1] !== undefined) {
      assert.ok(!families.has(help[1]), `${help[1]} is told once`)
      current = help[1]
    } else if (type?.[1] !== undefined) {
      assert.equal(type[1], current)
      families.set(current, { type: type[2] ?? '', samples: [] })
    } else {
      assert.ok(sample !== null, line)
      const [, name = '', pairs = '', value = ''] = sample
      const family = families.get(current)
      assert.ok(
        family !== undefined && (family.type === 'histogram' ? name.startsWith(current) : name === current),
        line,
      )
      const labels: Record<string, string> = {}
      for (const [, key = '', label = ''] of pairs.matchAll(/([a-z]+)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/g)) {
        labels[key] = label.replace(/\\(.)/g, (_, each: string) => (each === 'n' ? '\n' : each))
      }
      family.samples.push({ name, labels, value: Number(value) })
    }
  }
  return families
}

describe('Prometheus text', () => {
  it('has the counters, with labels that are escaped, and histograms that add up', async (t) => {
    const odd = 'a"b\\c\nd'
    const { open, agent } = await stage(t, { deadline: 20 }, (it) => {
      it.message(odd, () => {})
      it.message('slow', () => sleep(3))
      it.otherwise(() => {
        throw new Error('no')
      })
    })
    const peer = await open()
    peer.send(
      notify('01 01', '07 "a" 22 "b" 5c "c" 0a "d" 00'),
      notify('02 01', '04 "slow" 00'),
      notify('03 01', '01 "x" 00'),
    )
    await peer.frames(3)
    const families = parsePrometheus(agent.metrics())
    const value = (name: string, labels: Record<string, string> = {}) => {
      const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''))
      const found = family?.samples.filter(
        (each) =>
          each.name === name && Object.entries(labels).every(([key, label]) => each.labels[key] === label),
      )
      assert.equal(found?.length, 1, name)
      return found?.[0]?.value
    }
    assert.equal(value('sluice_agent_connections'), 1)
    assert.equal(value('sluice_agent_connections_total', { result: 'accepted' }), 1)
    assert.equal(value('sluice_agent_frames_received_total'), 4)
    assert.equal(value('sluice_agent_acks_total'), 3)
    assert.equal(value('sluice_agent_errors_total', { code: 'ERR_AGENT_HANDLER' }), 1)
    assert.equal(value('sluice_agent_messages_total', { message: odd }), 1)
    assert.equal(value('sluice_agent_messages_total', { message: '*' }), 1)
    assert.equal(value('sluice_agent_message_failures_total', { message: '*', reason: 'errors' }), 1)
    const histogram = 'sluice_agent_message_duration_seconds'
    assert.equal(families.get(histogram)?.type, 'histogram')
    assert.equal(value(`${histogram}_bucket`, { message: 'slow', le: '0.001' }), 0)
    assert.equal(value(`${histogram}_bucket`, { message: 'slow', le: '+Inf' }), 1)
    assert.equal(value(`${histogram}_count`, { message: 'slow' }), 1)
    assert.ok((value(`${histogram}_sum`, { message: 'slow' }) ?? 0) >= 0.002)
    const buckets = families
      .get(histogram)
      ?.samples.filter(({ labels }) => labels['message'] === odd && 'le' in labels)
    assert.equal(buckets?.length, latencyBounds.length + 1)
    for (const [index, bucket] of (buckets ?? []).entries()) {
      assert.ok(bucket.value >= (buckets?.[index - 1]?.value ?? 0), 'buckets are cumulative')
    }
    assert.equal(formatPrometheus(agent.stats).split('\n').length, agent.metrics().split('\n').length)
  })
})

describe('the frame trace', () => {
  it('is switched on and off while the agent serves, and sees every frame in both directions', async (t) => {
    const { open, agent } = await stage(t, {}, (it) => {
      it.message('m', (_, actions) => void actions.setVar('txn', 'x', 1))
      it.message('later', async (_, actions) => void actions.setVar('txn', 'x', 1))
    })
    const seen: TraceEvent[] = []
    const peer = await open()
    await peer.ask(notify('01 01', '01 "m" 00'))
    agent.trace((event) => seen.push({ ...event, bytes: Buffer.from(event.bytes) }))
    await peer.ask(notify('02 01', '01 "m" 00'))
    await peer.ask(notify('03 01', '05 "later" 00'))
    const second = await open()
    second.send(notify('04 01', '01 "m" 0f'))
    await second.farewell()
    await peer.ask(haproxyDisconnect)
    agent.trace(undefined)
    await (await open()).ask(notify('05 01'))
    assert.deepEqual(
      seen.map(({ direction, frame }) => `${direction} ${frame?.type}`),
      [
        'recv notify',
        'send ack',
        'recv notify',
        'send ack',
        'recv haproxy-hello',
        'send agent-hello',
        'recv undefined',
        'send agent-disconnect',
        'recv haproxy-disconnect',
        'send agent-disconnect',
      ],
    )
    assert.deepEqual(seen[1]?.bytes, ack('02 01', '01 03 02 01 "x" 04 01'))
    assert.deepEqual(seen[3]?.bytes, ack('03 01', '01 03 02 01 "x" 04 01'))
    assert.equal((seen[6]?.error as { code?: string } | undefined)?.code, 'ERR_SPOP_TRUNCATED')
    assert.deepEqual(
      seen.map(({ connection }) => connection.id),
      [1, 1, 1, 1, 2, 2, 2, 2, 1, 1],
    )
  })

  it('a listener that throws, or switches itself off, disturbs nothing', async (t) => {
    const { open, agent } = await stage(t)
    let calls = 0
    agent.trace(() => {
      if (++calls === 2) agent.trace(undefined)
      throw new Error('no')
    })
    const peer = await open()
    assert.deepEqual(await peer.ask(notify('01 01')), ack('01 01'))
    assert.equal(calls, 2)
  })
})

describe('the log', () => {
  it('tells each kind of trouble once a second, and how often it was not told', async (t) => {
    const logger = new MemoryLogger()
    const { open } = await stage(t, { logger }, (it) =>
      it.message('m', () => {
        throw new Error('no such table')
      }),
    )
    const peer = await open()
    for (let count = 0; count < 50; count++) await peer.ask(notify('01 01', '01 "m" 00'))
    const lines = () => logger.lines.filter(({ level }) => level === 'warn')
    assert.equal(lines().length, 1)
    const { fields, message } = lines()[0] ?? assert.fail()
    assert.match(message, /no such table/)
    assert.equal(fields['code'], 'ERR_AGENT_HANDLER')
    assert.equal(fields['message'], 'm')
    assert.equal(fields['connection'], 1)
    await sleep(1000)
    await peer.ask(notify('01 01', '01 "m" 00'))
    assert.deepEqual(
      lines().map((line) => line.fields['suppressed']),
      [undefined, 49],
    )
  })

  it('names that come from outside are not kinds of trouble', async (t) => {
    const logger = new MemoryLogger()
    const { open, agent } = await stage(t, { logger }, (it) =>
      it.otherwise(() => Promise.reject(new Error('no'))),
    )
    const peer = await open()
    peer.send(
      ...Array.from({ length: 200 }, (_, n) =>
        notify(idsOf(n), `02 ${(n + 256).toString(16).padStart(4, '0')} 00`),
      ),
    )
    await peer.frames(200)
    assert.equal(logger.troubles.length, 1)
    assert.deepEqual([...agent.stats.messages.keys()], ['*'])
  })

  it('says where the agent listens', async (t) => {
    const logger = new MemoryLogger()
    const { port } = await stage(t, { logger })
    assert.deepEqual(logger.lines, [
      { level: 'info', fields: { address: `127.0.0.1:${port}` }, message: 'agent listens' },
    ])
  })
})

it('an idle agent does nothing but look after its connections', async (t) => {
  const { open, agent } = await stage(t)
  await open()
  const before = agent.stats
  await sleep(20)
  await until(() => true)
  assert.deepEqual(agent.stats.frames, before.frames)
})
