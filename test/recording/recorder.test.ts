/** What is written while an engine asks a real agent, how much of it, and that nothing of it disturbs the asking. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { formatEndpoint, IpAddress } from 'sluice'
import { createAgent } from 'sluice/agent'
import { createEngine, type MessageInput, type Value } from 'sluice/engine'
import { createRecorder, openRecording, RecordingError, type RecordedExchange } from 'sluice/recording'

interface Cleanup {
  after(hook: () => void | Promise<void>): void
}

async function setUp(t: Cleanup) {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-recorder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const agent = createAgent({ closeTimeout: 100 })
  agent.message('echo', (message, actions) => {
    for (const [name, value] of message.args) actions.setVar('txn', name, value)
    actions.unsetVar('sess', 'old')
  })
  agent.message('slow', async () => {
    await sleep(200)
  })
  const address = formatEndpoint(await agent.listen('127.0.0.1:0'))
  const engine = createEngine({ servers: [address] })
  t.after(async () => {
    await engine.close()
    await agent.close()
  })
  return { file: join(dir, 'traffic.rec'), dir, engine }
}

async function read(file: string): Promise<{ exchanges: RecordedExchange[]; damage: string | undefined }> {
  const recording = openRecording(file)
  const exchanges: RecordedExchange[] = []
  for await (const exchange of recording) exchanges.push(exchange)
  return { exchanges, damage: recording.damage }
}

const echo = (args: MessageInput['args']): MessageInput[] => [{ name: 'echo', args }]

test('an exchange is recorded as it was asked and answered', async (t) => {
  const { file, engine } = await setUp(t)
  const recorder = createRecorder(file)
  engine.record(recorder.source('waf'))
  const args: [string, Value][] = [
    ['null', null],
    ['true', true],
    ['int32', { type: 'int32', value: -5 }],
    ['uint64', { type: 'uint64', value: 2n ** 64n - 1n }],
    ['ipv6', IpAddress.parse('2001:db8::1')],
    ['text', 'größer'],
    ['binary', Buffer.from([0, 255])],
  ]
  const before = Date.now()
  const outcome = await engine.send({ messages: echo(args) })
  const late = await engine.send({ messages: [{ name: 'slow', args: [] }], timeout: 20 })
  assert.equal(late.status, 1)
  await recorder.close()
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const { exchanges, damage } = await read(file)
  assert.equal(damage, undefined)
  const [first, second] = exchanges
  assert.equal(exchanges.length, 2)
  assert.deepEqual(first?.actions, outcome.actions)
  assert.deepEqual(
    first?.messages[0]?.args.map(([name, { type }]) => [name, type]),
    [
      ['null', 'null'],
      ['true', 'boolean'],
      ['int32', 'int32'],
      ['uint64', 'uint64'],
      ['ipv6', 'ipv6'],
      ['text', 'string'],
      ['binary', 'binary'],
    ],
  )
  assert.equal(first?.source, 'waf')
  assert.ok(Math.abs((first?.startedAt ?? 0) - before) < 1000)
  assert.ok(Math.abs((first?.waitTime ?? 0) - outcome.waitTime) < 0.001)
  assert.deepEqual([second?.status, second?.waitTime, second?.actions], [1, -1, []])
  assert.ok((second?.processTime ?? 0) >= 19)
  assert.deepEqual(recorder.stats, { exchanges: 2, lost: 0, bytes: statSync(file).size, stopped: true })
})

test('values that are to be left out are NULL, by name or all of them', async (t) => {
  const { dir, engine } = await setUp(t)
  for (const [omit, ip, cookie] of [
    [['cookie'], 'string', 'null'],
    [['*'], 'null', 'null'],
  ] as const) {
    const file = join(dir, `${omit.join()}.rec`)
    const recorder = createRecorder(file, { omit })
    engine.record(recorder)
    await engine.send({
      messages: echo([
        ['ip', '192.0.2.1'],
        ['cookie', 'secret'],
      ]),
    })
    await recorder.close()
    const { exchanges } = await read(file)
    const typesIn = (items: readonly (readonly [string, { type: string }])[] = []) =>
      items.map(([, { type }]) => type)
    assert.deepEqual(typesIn(exchanges[0]?.messages[0]?.args), [ip, cookie])
    const set = exchanges[0]?.actions.flatMap((each) =>
      each.type === 'set-var' ? [[each.name, each.value] as const] : [],
    )
    assert.deepEqual(typesIn(set), [ip, cookie])
  }
})

test('streams can be told apart, those of two engines, too', async (t) => {
  const { file, engine } = await setUp(t)
  await using other = createEngine({ servers: engine.servers as string[] })
  const recorder = createRecorder(file)
  engine.record(recorder.source('a'))
  other.record(recorder.source('b'))
  const streams = [engine.createStream(), other.createStream()]
  for (const [which, from] of [engine, other, engine].entries()) {
    await from.send({ messages: echo([]), stream: streams[which % 2] })
  }
  await engine.send({ messages: echo([]) })
  await recorder.close()
  const { exchanges } = await read(file)
  assert.deepEqual(
    exchanges.map(({ source, stream }) => [source, stream]),
    [
      ['a', 1],
      ['b', 2],
      ['a', 1],
      ['a', 0],
    ],
  )
})

test('with one file it stops when that is full', async (t) => {
  const { file, dir, engine } = await setUp(t)
  const recorder = createRecorder(file, { maxSize: 4096 })
  engine.record(recorder)
  for (let count = 0; count < 100; count++) await engine.send({ messages: echo([['a', 'x'.repeat(50)]]) })
  assert.equal(recorder.stats.stopped, true)
  await recorder.close()
  assert.deepEqual(readdirSync(dir), ['traffic.rec'])
  assert.ok(statSync(file).size <= 4096)
  const { exchanges, damage } = await read(file)
  assert.equal(damage, undefined)
  assert.equal(exchanges.length, recorder.stats.exchanges)
  assert.ok(exchanges.length > 10 && exchanges.length < 50)
})

test('with several it goes on, and the oldest is deleted', async (t) => {
  const { file, dir, engine } = await setUp(t)
  const recorder = createRecorder(file, { maxSize: 4096, maxFiles: 3 })
  engine.record(recorder.source('a'))
  for (let count = 0; count < 200; count++) {
    await engine.send({
      messages: echo([
        ['number', count],
        ['b', 'x'.repeat(50)],
      ]),
    })
  }
  await recorder.close()
  assert.deepEqual(readdirSync(dir).sort(), ['traffic.rec', 'traffic.rec.1', 'traffic.rec.2'])
  const numbers: number[] = []
  for (const name of ['traffic.rec.2', 'traffic.rec.1', 'traffic.rec']) {
    const { exchanges, damage } = await read(join(dir, name))
    assert.equal(damage, undefined, name)
    for (const { source, messages } of exchanges) {
      assert.equal(source, 'a')
      const value = messages[0]?.get('number')
      numbers.push(value?.type === 'int64' ? Number(value.value) : -1)
    }
  }
  assert.equal(numbers.at(-1), 199)
  assert.deepEqual(
    numbers,
    numbers.map((_, at) => (numbers[0] ?? 0) + at),
    'nothing is missing between the files',
  )
  // A recorder that begins again keeps what is there.
  const { size } = statSync(file)
  const next = createRecorder(file, { maxFiles: 3 })
  await next.close()
  assert.equal(statSync(`${file}.1`).size, size)
})

test('a file that exists is kept, and one that cannot be made is said at once', async (t) => {
  const { file, dir } = await setUp(t)
  writeFileSync(file, 'precious')
  const isRefused = (error: unknown) => error instanceof RecordingError && error.code === 'ERR_RECORDING_FILE'
  assert.throws(() => createRecorder(file), isRefused)
  assert.throws(() => createRecorder(join(dir, 'no/such/folder')), isRefused)
  assert.equal(statSync(file).size, 8)
  assert.ok(!existsSync(`${file}.1`))
})

test('what is written reaches the disk while it runs', async (t) => {
  const { file, engine } = await setUp(t)
  const recorder = createRecorder(file)
  engine.record(recorder)
  await engine.send({ messages: echo([]) })
  await sleep(300)
  const { exchanges, damage } = await read(file)
  assert.equal(exchanges.length, 1)
  assert.match(damage ?? '', /was not closed: its process was killed, or still runs/)
  await recorder.close()
})

test('messages are written as they were when they were sent', async (t) => {
  const { file, engine } = await setUp(t)
  const recorder = createRecorder(file)
  engine.record(recorder)
  const args: [string, string][] = [['a', 'before']]
  const pending = engine.send({ messages: echo(args) })
  args[0] = ['b', 'after']
  await pending
  engine.record(undefined)
  await engine.send({ messages: echo([]) })
  await recorder.close()
  const { exchanges } = await read(file)
  assert.equal(exchanges.length, 1)
  assert.equal(exchanges[0]?.messages[0]?.args[0]?.[0], 'a')
})

test('what cannot be sent is refused as ever, and not recorded', async (t) => {
  const { file, engine } = await setUp(t)
  const recorder = createRecorder(file)
  engine.record(recorder)
  await assert.rejects(engine.send({ messages: echo([['a', 0.5]]) }), { code: 'ERR_SPOP_VALUE' })
  await assert.rejects(engine.send({ messages: echo([]), timeout: -1 }), { code: 'ERR_SLUICE_OPTION' })
  const aborted = await engine.send({ messages: echo([]), signal: AbortSignal.abort() })
  assert.equal(aborted.status, 5)
  await recorder.close()
  assert.deepEqual((await read(file)).exchanges, [])
})

/** In a process of its own, for what surfaces is an uncaught exception. */
const throwing = (recorder: string): string => `
import { createPair } from 'sluice/testing'
const pair = createPair()
process.on('uncaughtException', (error) => console.log(error.message))
pair.agent.message('echo', {}, (_args, actions) => void actions.setVar('txn', 'a', 1))
pair.engine.record(${recorder})
const { status, actions } = await pair.engine.send({ messages: [{ name: 'echo', args: [] }] })
console.log(status, actions.length)
await pair.close()`

for (const [what, recorder] of [
  ['begins', `{ begin() { throw new Error('thrown') } }`],
  ['ends', `{ begin: () => () => { throw new Error('thrown') } }`],
] as const) {
  test(`a recorder that throws as an exchange ${what} disturbs no exchange`, async () => {
    const args = ['--input-type=module', '-e', throwing(recorder)]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    assert.deepEqual(stdout.trim().split('\n').sort(), ['0 1', 'thrown'])
  })
}

test('no file is larger than it may be, whatever the size of the exchanges', async (t) => {
  const { file, dir, engine } = await setUp(t)
  const recorder = createRecorder(file, { maxSize: 4096, maxFiles: 100 })
  engine.record(recorder)
  // What is asked is answered again: each takes twice as much, and one more than a file.
  for (const size of [10, 1500, 700, 2200, 450, 1000, 1900, 1, 500, 1500]) {
    await engine.send({ messages: echo([['a', 'x'.repeat(size)]]) })
  }
  await recorder.close()
  const sizes = readdirSync(dir).map((name) => statSync(join(dir, name)).size)
  assert.ok(Math.max(...sizes) <= 4096, String(sizes))
  assert.ok(sizes.length > 3)
  assert.equal(recorder.stats.exchanges, 9)
  assert.equal(recorder.stats.lost, 1)
})
