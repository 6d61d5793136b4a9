/** What is printed when an agent's author, or who configures HAProxy, errs: each row is a mistake and the lines that tell it. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTextLogger } from 'sluice'
import { createAgent, type Agent, type AgentOptions } from 'sluice/agent'
import { ack, notify, type Peer } from '../support/peer.ts'
import { SpopClient } from '../support/spop-client.ts'
import { until } from '../support/until.ts'
import { stage } from './support.ts'

/** Keeps the loop busy. */
function block(milliseconds: number): void {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

const say = (actions: { setVar(scope: 'txn', name: string, value: string): boolean }, reason: string) =>
  void actions.setVar('txn', 'verdict', reason)
const verdict = (reason: string) =>
  `01 03 02 07 "verdict" 08 ${reason.length.toString(16).padStart(2, '0')} "${reason}"`
const sets = (name: string) => `01 03 02 ${name.length.toString(16).padStart(2, '0')} "${name}" 04 01`

interface Mistake {
  readonly what: string
  readonly options?: AgentOptions
  readonly setUp?: (agent: Agent) => void
  /** Speaks as HAProxy would. */
  readonly play: (peer: Peer, agent: Agent) => Promise<void>
  /** All that is printed; `#` stands for any number. */
  readonly printed: readonly string[]
  /** What `agent.stats` has of the message `m`. */
  readonly counted?: Partial<Record<'late' | 'deadlines' | 'errors', number>>
}

const ask = async (peer: Peer, payload: string, actions: string): Promise<void> => {
  assert.deepEqual(await peer.ask(notify('01 01', payload)), ack('01 01', actions))
}
const m = '01 "m" 00'

const late = (action: string) =>
  `warn message 'm': ${action} came after the handler was done, and was not sent; return or await every promise ` +
  `of the handler: a 'return' or an 'await' is missing code=ERR_AGENT_LATE`
const blocked = (how: string) =>
  `warn message not answered by its handler: a handler did not answer in time: message 'm', limit 100 ms${how} ` +
  `code=ERR_AGENT_DEADLINE message=m connection=1 err="ERR_AGENT_DEADLINE: a handler did not answer in time: ` +
  `message 'm', limit 100 ms${how}"`
const failed = (code: string, why: string) =>
  `warn message not answered by its handler: ${why} code=${code} message=m connection=1 err="${code}: ${why}"`
const busy =
  ': the handler kept the event loop busy for # ms; no other message was answered meanwhile: ' +
  'move such work to threads (createOffload)'
const overdue = ': the answer came after # ms, the event loop was busy'

const mistakes: readonly Mistake[] = [
  {
    what: 'a name that nobody handles, told once, however often it comes',
    setUp: (agent) => agent.message('get-ip-reputation', () => {}).message('other', () => {}),
    async play(peer, agent) {
      for (let count = 0; count < 3; count++) await ask(peer, '10 "get-ip-reputaton" 00', '')
      assert.equal(agent.stats.unknownMessages, 3)
    },
    printed: [
      "warn no handler for 'get-ip-reputaton'; registered: get-ip-reputation, other connection=1 peer=127.0.0.1:#",
    ],
  },
  {
    what: 'an agent without handlers',
    play: (peer) => ask(peer, m, ''),
    printed: ["warn no handler for 'm'; registered: none connection=1 peer=127.0.0.1:#"],
  },
  {
    what: 'a name that would forge a line, and one without end',
    async play(peer) {
      await ask(peer, '08 "a" 0a "warn b" 00', '')
      await ask(peer, `f0 10 ${'61 '.repeat(496)} 00`, '')
    },
    printed: [
      String.raw`warn no handler for 'a\nwarn b'; registered: none connection=1 peer=127.0.0.1:#`,
      `warn no handler for '${'a'.repeat(100)}'; registered: none connection=1 peer=127.0.0.1:#`,
    ],
  },
  {
    what: 'names without number: so many are told, and no more',
    setUp: (agent) => {
      for (let index = 0; index < 22; index++) agent.message(`known-${index}`, () => {})
    },
    async play(peer) {
      for (let index = 0; index < 130; index++)
        await ask(peer, `02 ${(index + 256).toString(16).padStart(4, '0')} 00`, '')
    },
    printed: Array.from({ length: 100 }, (_, index) => {
      const name = Buffer.from((index + 256).toString(16).padStart(4, '0'), 'hex').toString()
      // oxlint-disable-next-line no-control-regex -- they are what is escaped
      const shown = name.replace(/[\0-\x1f\x7f]/g, (each) =>
        each === '\n' ? '\\n' : `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`,
      )
      const known = Array.from({ length: 20 }, (__, number) => `known-${number}`).join(', ')
      return `warn no handler for '${shown}'; registered: ${known} and 2 more connection=1 peer=127.0.0.1:#`
    }),
  },
  {
    what: 'a handler that forgets to return its promise',
    setUp: (agent) =>
      agent.message('m', (_, actions) => {
        void sleep(1).then(() => actions.setVar('txn', 'score', 1) && actions.setVar('txn', 'other', 1))
      }),
    async play(peer, agent) {
      for (let count = 1; count <= 2; count++) {
        await ask(peer, m, '')
        await until(() => agent.stats.messages.get('m')?.late === count)
      }
      assert.equal(agent.stats.errors['ERR_AGENT_LATE'], 2)
    },
    printed: [late("setVar('txn', 'score')")],
    counted: { late: 2, deadlines: 0 },
  },
  {
    what: 'a handler that awaits one promise and forgets another',
    setUp: (agent) =>
      agent.message('m', async (_, actions) => {
        void sleep(5).then(() => actions.unsetVar('sess', 'score'))
        await sleep(1)
      }),
    async play(peer, agent) {
      await ask(peer, m, '')
      await until(() => agent.stats.messages.get('m')?.late === 1)
    },
    printed: [late("unsetVar('sess', 'score')")],
    counted: { late: 1, deadlines: 0 },
  },
  {
    what: 'a forgotten promise behind a message that is waited for',
    setUp: (agent) =>
      agent
        .message('slow', () => sleep(10))
        .message('m', (_, actions) => {
          actions.setVar('txn', 'x', 1)
          void sleep(1).then(() => actions.setVar('txn', 'score', 1))
        }),
    async play(peer) {
      await ask(peer, `04 "slow" 00 ${m}`, sets('x'))
    },
    printed: [late("setVar('txn', 'score')")],
    counted: { late: 1 },
  },
  {
    what: 'a deadline that has passed is told as that, and not as a forgotten promise',
    options: { deadline: 100, fallback: say },
    setUp: (agent) =>
      agent.message('m', async (_, actions) => {
        await sleep(150)
        actions.setVar('txn', 'x', 1)
      }),
    async play(peer, agent) {
      await ask(peer, m, verdict('deadline'))
      await until(() => agent.stats.messages.get('m')?.late === 1)
    },
    printed: [blocked('')],
    counted: { late: 1, deadlines: 1 },
  },
  {
    what: 'a connection that is gone is nobody’s mistake',
    setUp: (agent) =>
      agent.message('m', async (_, actions, { signal }) => {
        await once(signal, 'abort')
        actions.setVar('txn', 'x', 1)
      }),
    async play(peer, agent) {
      peer.send(notify('01 01', m))
      await until(() => agent.stats.inFlight === 1)
      peer.reset()
      await until(() => agent.stats.messages.get('m')?.late === 1)
    },
    printed: [],
    counted: { late: 1 },
  },
  {
    what: 'a handler that computes for longer than its deadline',
    options: { deadline: 100, fallback: say },
    setUp: (agent) =>
      agent.message('m', (_, actions, context) => {
        actions.setVar('txn', 'x', 1)
        block(150)
        assert.equal(context.aborted, false)
      }),
    play: (peer) => ask(peer, m, verdict('deadline')),
    printed: [blocked(busy)],
    counted: { deadlines: 1, late: 0 },
  },
  {
    what: 'one that computes and then answers by a promise',
    options: { deadline: 100, fallback: say },
    setUp: (agent) =>
      agent.message('m', async (_, actions) => {
        block(150)
        actions.setVar('txn', 'x', 1)
      }),
    play: (peer) => ask(peer, m, verdict('deadline')),
    printed: [blocked(overdue)],
    counted: { deadlines: 1, late: 0 },
  },
  {
    what: 'one whose promise settles in time for nobody: the loop was busy with another message',
    options: { deadline: 100, fallback: say },
    setUp: (agent) =>
      agent
        .message('m', async (_, actions) => {
          await new Promise((resolve) => setImmediate(resolve))
          actions.setVar('txn', 'x', 1)
        })
        .message('block', () => block(150), { deadline: 1000 }),
    play: (peer) => ask(peer, `${m} 05 "block" 00`, verdict('deadline')),
    printed: [blocked(overdue)],
    counted: { deadlines: 1 },
  },
  {
    what: 'what one message takes is not laid to the next one',
    options: { deadline: 100, fallback: say },
    setUp: (agent) =>
      agent
        .message('sync', () => block(130), { deadline: 1000 })
        .message('async', async () => block(130), { deadline: 1000 })
        .message('m', (_, actions) => void actions.setVar('txn', 'x', 1)),
    play: (peer) => ask(peer, `04 "sync" 00 ${m} 05 "async" 00 ${m}`, sets('x') + sets('x')),
    printed: [],
    counted: { deadlines: 0 },
  },
  ...(
    [
      [
        undefined,
        'sess',
        54,
        55,
        "54 behind 'sess.???.'; give createAgent HAProxy's option var-prefix as varPrefix, if it is not of three",
      ],
      [
        undefined,
        'txn',
        55,
        56,
        "55 behind 'txn.???.'; give createAgent HAProxy's option var-prefix as varPrefix, if it is not of three",
      ],
      ['iprep', 'sess', 52, 53, "52 behind 'sess.iprep.'"],
      ['iprep', 'proc', 52, 53, "52 behind 'proc.iprep.'"],
      ['iprep', 'res', 53, 54, "53 behind 'res.iprep.'"],
      ['t', 'req', 57, 58, "57 behind 'req.t.'"],
    ] as const
  ).map(([varPrefix, scope, right, wrong, why]): Mistake => ({
    what: `a variable of ${wrong} characters in ${scope} behind the prefix ${varPrefix ?? 'that is usual'}`,
    options: varPrefix === undefined ? {} : { varPrefix },
    setUp: (agent) =>
      agent.message('m', (_, actions) => {
        for (let twice = 0; twice < 2; twice++)
          assert.equal(actions.setVar(scope, 'n'.repeat(right), 1), true)
        actions.unsetVar(scope, 'n'.repeat(wrong))
      }),
    play: (peer) => ask(peer, m, ''),
    printed: [
      failed(
        'ERR_AGENT_VAR_NAME',
        `a variable name is not one that HAProxy takes: '${'n'.repeat(wrong)}' has ${wrong} characters, and HAProxy takes ${why}`,
      ),
    ],
    counted: { errors: 1 },
  })),
  ...(
    [
      [1.5, '1.5; HAProxy has whole numbers only: round it, scale it, or set it as text'],
      [NaN, 'NaN; HAProxy has whole numbers only: round it, scale it, or set it as text'],
      [2 ** 60, '1152921504606847000; use a bigint, which is exact'],
      [2n ** 63n, "9223372036854775808n; HAProxy's integers have 64 bits and a sign: set it as text"],
      [undefined, 'undefined; null unsets a variable'],
      [
        new Date(0),
        'an object; take a boolean, a whole number, a bigint, text, bytes, an IpAddress, null, or typed data',
      ],
    ] as const
  ).map(([value, why]): Mistake => ({
    what: `${String(value)} as a value`,
    setUp: (agent) => agent.message('m', (_, actions) => void actions.setVar('txn', 'score', value as never)),
    play: (peer) => ask(peer, m, ''),
    printed: [failed('ERR_SPOP_VALUE', `a value cannot be sent: variable 'txn.score': ${why}`)],
    counted: { errors: 1 },
  })),
  {
    what: 'a handler that throws: where it did',
    setUp: (agent) =>
      agent.message('m', () => {
        const nothing: unknown = undefined
        void (nothing as { length: number }).length
      }),
    play: (peer) => ask(peer, m, ''),
    printed: [
      "warn message not answered by its handler: Cannot read properties of undefined (reading 'length') " +
        'code=ERR_AGENT_HANDLER message=m connection=1 ' +
        `err="Cannot read properties of undefined (reading 'length')" at=test/agent/mistakes.test`,
    ],
    counted: { errors: 1 },
  },
  {
    what: 'a handler that throws what has no place',
    setUp: (agent) =>
      agent.message('m', () => {
        throw Object.assign(new Error('no\nway'), { stack: undefined })
      }),
    play: (peer) => ask(peer, m, ''),
    printed: [
      String.raw`warn message not answered by its handler: no\nway code=ERR_AGENT_HANDLER message=m connection=1 err="no\nway"`,
    ],
    counted: { errors: 1 },
  },
  {
    what: 'without a deadline a handler may take what it wants',
    options: { deadline: 0 },
    setUp: (agent) =>
      agent.message('m', (_, actions) => {
        block(20)
        actions.setVar('txn', 'x', 1)
      }),
    play: (peer) => ask(peer, m, sets('x')),
    printed: [],
    counted: { deadlines: 0 },
  },
]

/** A logger that keeps the lines that would be printed. */
function recorder(): { logger: ReturnType<typeof createTextLogger>; lines: string[] } {
  const lines: string[] = []
  return { logger: createTextLogger((line) => lines.push(line), 'warn'), lines }
}

/** Ports and durations differ each time. */
const withoutNumbers = (line: string) =>
  line
    .replace(/ at=\S*?(test\/agent\/[\w.]+?)\.[jt]s:\d+:\d+$/, ' at=$1')
    .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:#')
    .replace(/(busy for|came after) \d+ ms/g, '$1 # ms')

describe('a mistake is told, once, with its remedy', () => {
  for (const { what, options, setUp, play, printed, counted = {} } of mistakes) {
    it(what, async (t: TestContext) => {
      const { logger, lines } = recorder()
      const { open, agent } = await stage(t, { ...options, logger }, setUp)
      await play(await open(), agent)
      assert.deepEqual(lines.map(withoutNumbers), printed)
      const metrics = agent.stats.messages.get('m')
      for (const [name, count] of Object.entries(counted))
        assert.equal(metrics?.[name as keyof typeof counted], count, name)
    })
  }
})

/** Runs a program with one agent, asks it a message that it does not know, and returns what it has written to stderr. */
async function stderrOf(options: string): Promise<string> {
  const script = `
    import { createAgent } from 'sluice/agent'
    const { port } = await createAgent(${options}).message('known', () => {}).listen('127.0.0.1:0')
    console.log('port=' + port + ';')`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'pipe' })
  let text = ''
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
  try {
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    await until(() => said.includes(';'), 'the port')
    const port = Number(/port=(\d+);/.exec(said)?.[1])
    const client = await SpopClient.open({ type: 'tcp', host: '127.0.0.1', port })
    await client.notify({ name: 'm', args: [] })
    client.close()
    // What was written to the pipe before the answer comes before it.
    await sleep(50)
  } finally {
    child.kill('SIGKILL')
  }
  return text
}

describe('the default logger', () => {
  const line =
    /^\d{4}-\d\d-\d\dT[\d:.]{12}Z warn no handler for 'm'; registered: known connection=1 peer=127.0.0.1:\d+\n$/

  it('prints warnings on stderr, a line each, and nothing that is none', async () => {
    assert.match(await stderrOf(''), line)
  })

  it('is replaced by silence', async () => {
    assert.equal(await stderrOf('{ logger: false }'), '')
  })

  it('is replaced by a console, which prints a line each, too', async () => {
    const text = await stderrOf('{ logger: console }')
    assert.match(text, /^no handler for 'm'; registered: known connection=1 peer=127.0.0.1:\d+\n$/)
  })

  it('is anything with the four methods, and nothing else', () => {
    for (const logger of [true, 'stderr', {}, null, { warn() {} }])
      assert.throws(() => createAgent({ logger: logger as never }), {
        code: 'ERR_SLUICE_OPTION',
        message: /must have the methods debug, info, warn, error, or be false/,
      })
  })
})
