/** `sluice inspect call` as a command: one message to an agent. */
import assert from 'node:assert/strict'
import { createServer, type AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { createAgent } from 'sluice/agent'
import { runCli } from '../support/sluice.ts'

async function startAgent(t: TestContext): Promise<string> {
  const agent = createAgent({ logger: false, closeDelay: 10 })
  agent.message('check', { ip: 'ip', n: 'integer?' }, ({ ip, n }, actions) => {
    actions.setVar('txn', 'ip', ip.toString())
    actions.setVar('sess', 'n', n ?? null)
  })
  t.after(() => agent.destroy())
  const address = await agent.listen('127.0.0.1:0')
  return address.type === 'tcp' ? `spop://127.0.0.1:${address.port}` : ''
}

const call = (...args: string[]) => runCli(['inspect', 'call', ...args])

describe('sluice inspect call', () => {
  it('sends one message and prints the answer', async (t) => {
    const target = await startAgent(t)
    const { code, stdout } = await call(
      target,
      '--message',
      'check',
      '--arg',
      'ip=ip:192.0.2.1',
      '--arg',
      'n=int:5',
    )
    assert.equal(code, 0, stdout)
    assert.match(stdout, /> NOTIFY {2}1\/1 .*\n {20}message check ip=ipv4 192\.0\.2\.1 n=int64 5\n/)
    assert.match(
      stdout,
      /< ACK {2}1\/1 .*\n {20}set-var txn\.ip = string "192\.0\.2\.1"\n {20}set-var sess\.n = int64 5\n/,
    )
    const json = await call(target, '--message', 'check', '--arg', 'ip=ip:::1', '--json')
    const names = json.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { name?: string }).name)
    assert.deepEqual(names.slice(1, 5), ['HAPROXY-HELLO', 'AGENT-HELLO', 'NOTIFY', 'ACK'])
  })

  it('an answer that is wrong, or does not come, is 1; nobody there is 2', async (t) => {
    // An agent that says HELLO as it should, and then what is given.
    let answer = ''
    const hello =
      '00000036650000000100000776657273696f6e0803322e300e6d61782d6672616d652d73697a6503fcf0060c6361706162696c69746965730800'
    const server = createServer((socket) => {
      socket.once('data', () => {
        socket.write(Buffer.from(hello, 'hex'))
        socket.once('data', () => socket.write(Buffer.from(answer, 'hex')))
      })
      socket.on('error', () => {})
    })
    t.after(() => server.close())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const target = `127.0.0.1:${(server.address() as AddressInfo).port}`
    answer = '0000000d6700000001010101050201 7811'.replace(' ', '')
    const wrong = await call(target, '--message', 'm')
    assert.equal(wrong.code, 1)
    assert.match(wrong.stdout, /!! action 1 ignored by HAProxy: nb-args is 5, set-var wants 3/)
    answer = ''
    const silent = await call(target, '--message', 'm', '--timeout', '300ms', '--processing-timeout', '100ms')
    assert.equal(silent.code, 1)
    assert.match(silent.stderr, /no answer within 300 ms/)
    assert.match(silent.stdout, /no ACK for NOTIFY 1\/1 \(m\) within 100 ms/)
    const nobody = await call('spop+unix:///nowhere/a.sock', '--message', 'm')
    assert.equal(nobody.code, 2)
    assert.match(nobody.stderr, /cannot connect to unix@\/nowhere\/a\.sock/)
  })

  it('wrong options are told in one line', async () => {
    for (const [args, why] of [
      [['spop://127.0.0.1:1'], /give --message NAME/],
      [['spop://127.0.0.1:1', '--message', 'm', '--arg', 'a=b'], /--arg a=b: wanted name=type:value/],
      [['spop://127.0.0.1:1', '--message', 'm', '--param', 'a=b'], /--param is for fcgi:\/\//],
      [['fcgi://127.0.0.1:1', '--message', 'm'], /--message is for spop:\/\//],
      [['fcgi://127.0.0.1:1', '--param', 'a'], /--param a: wanted NAME=VALUE/],
    ] as const) {
      const { code, stderr } = await call(...args)
      assert.equal(code, 2, stderr)
      assert.match(stderr, why)
    }
  })
})
