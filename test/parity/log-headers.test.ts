/**
 * What stands before and behind a log line: every `format` over UDP and over standard output, with each way to name host
 * and tag, through HAProxy and through sluice, byte for byte but for dates, pids and ports.
 */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { hostname } from 'node:os'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cleanup } from '../proxy/support.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { askOnce } from '../support/raw-http.ts'
import { startSluice } from '../support/sluice.ts'
import { until } from '../support/until.ts'

const skip = skipWithoutHaproxy()

const formats = ['', 'rfc3164', 'rfc5424', 'local', 'priority', 'short', 'timed', 'iso', 'raw']

/** Lines of the global section. */
const headers: Readonly<Record<string, readonly string[]>> = {
  'no name': [],
  'log-send-hostname': ['log-send-hostname'],
  'log-send-hostname NAME': ['log-send-hostname gate.example'],
  'log-tag': ['log-tag gate'],
  'a name and a tag': ['log-send-hostname a', 'log-tag b'],
}

/** An engine without an agent: what it logs has the tag of the process, not of the proxy. */
const spoe = `
[engine]
spoe-agent agent
  log UDP local3
  messages message
  timeout processing 100ms
  use-backend agents
spoe-message message
  event on-frontend-http-request
`

/** A target that takes datagrams and keeps them. */
async function receiver(t: Cleanup): Promise<{ readonly port: number; readonly received: string[] }> {
  const socket: Socket = createSocket('udp4')
  const received: string[] = []
  socket.on('message', (message) => void received.push(message.toString('latin1')))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.after(() => void socket.close())
  return { port: socket.address().port, received }
}

/** Whatever differs from run to run. */
function mask(text: string): string {
  return text
    .replace(/[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d/g, 'SYSLOGDATE')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?[+-]\d\d:\d\d/g, (date) => date.replace(/\d/g, '0'))
    .replace(/\[\d+\]/g, '[PID]')
    .replace(/SPOE: .*/, 'SPOE')
    .replace(/(haproxy|gate|b|f|p|-) \d+ - /g, '$1 PID - ')
    .replace(/127\.0\.0\.1:\d+/g, 'ADDRESS')
    .replaceAll(hostname(), 'HOSTNAME')
}

interface Sent {
  readonly datagrams: string[]
  readonly stdout: string
}

/** What one request of each path brings to the targets: `log` lines of the configuration, with UDP for the port. */
async function send(
  t: Cleanup,
  which: 'haproxy' | 'sluice',
  global: readonly string[],
  proxy: readonly string[],
  count: number,
): Promise<Sent> {
  const { port, received } = await receiver(t)
  const options = {
    ports: ['f'] as const,
    files: { 'spoe.conf': spoe.replaceAll('UDP', `127.0.0.1:${port}`) },
    config: ({ f }: { readonly f: number }) =>
      [
        'global',
        ...global,
        'defaults',
        'mode http',
        'timeout client 1s',
        'frontend f',
        `bind 127.0.0.1:${f}`,
        'option dontlognull',
        'http-request return status 204',
        ...proxy,
      ]
        .join('\n')
        .replaceAll('UDP', `127.0.0.1:${port}`),
  }
  const started = which === 'haproxy' ? await startHaproxy(options) : await startSluice(options)
  t.after(() => started.stop())
  const isStart = (line: string) =>
    /Proxy f started|Loading success|listening on|close gracefully|^\[|^ *\(/.test(line)
  await askOnce(started.ports.f, 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  const lines = () => received.filter((each) => !isStart(each))
  await until(() => lines().length >= count, `${count} datagrams of ${which}, not ${JSON.stringify(lines())}`)
  await sleep(100)
  const stdout = started
    .logs()
    .split('\n')
    .filter((line) => line.endsWith('line GET'))
  return { datagrams: lines().map(mask), stdout: mask(stdout.join('\n')) }
}

async function compare(
  t: Cleanup,
  global: readonly string[],
  proxy: readonly string[],
  count: number,
): Promise<Sent> {
  const [theirs, ours] = await Promise.all([
    send(t, 'haproxy', global, proxy, count),
    send(t, 'sluice', global, proxy, count),
  ])
  assert.deepEqual(ours, theirs)
  return theirs
}

const targets = (target: string): string[] =>
  formats.map((format) => `log ${target} ${format === '' ? '' : `format ${format}`} local0`)

describe('the header of a log line', { skip, concurrency: 3 }, () => {
  for (const [name, lines] of Object.entries(headers)) {
    it(`in every format: ${name}`, async (t) => {
      const sent = await compare(t, lines, [...targets('UDP'), 'log-format "line %HM"'], formats.length)
      assert.equal(sent.datagrams.length, formats.length)
    })

    it(`in every format on standard output: ${name}`, async (t) => {
      const sent = await compare(
        t,
        lines,
        [...targets('stdout'), 'log UDP local0', 'log-format "line %HM"'],
        1,
      )
      assert.equal(sent.stdout.split('\n').length, formats.length)
    })
  }

  it('has the tag of the proxy', async (t) => {
    await compare(t, ['log-tag gate'], [...targets('UDP'), 'log-tag f'], formats.length)
  })

  it('has the tag of the process for what an engine says', async (t) => {
    const filter = ['filter spoe engine engine config spoe.conf', 'log-tag f', 'log-format "line"']
    const backend = ['backend agents', 'mode tcp', 'server a 127.0.0.1:1']
    const sent = await compare(t, ['log-tag gate'], ['log UDP local0', ...filter, ...backend], 2)
    assert.match(sent.datagrams.join(''), /gate\[PID\]: SPOE\n/)
  })

  it('has structured data in rfc5424', async (t) => {
    const format = 'log-format-sd "[a@1 b=\\"%HM\\"]"'
    await compare(t, [], [...targets('UDP'), format, 'log-format "line"'], formats.length)
  })

  it('counts into the length that a line is cut at', async (t) => {
    const lengths = [80, 81, 100, 120].flatMap((length) =>
      formats.map((format) => `log UDP len ${length} ${format === '' ? '' : `format ${format}`} local0`),
    )
    await compare(t, [], [...lengths, `log-format "${'0123456789'.repeat(20)}"`], lengths.length)
  })

  it('has the facility and the level', async (t) => {
    const facilities =
      'kern user mail daemon auth syslog lpr news uucp cron auth2 ftp ntp audit alert cron2 local0 local1 local2 local3 local4 local5 local6 local7'
    const levels = [
      '',
      'info',
      'debug',
      'debug err',
      'info emerg',
      'debug debug',
      'info warning',
      'debug alert',
    ]
    const lines = [
      ...facilities.split(' ').map((facility) => `log UDP ${facility}`),
      ...levels.map((level) => `log UDP local0 ${level}`),
      // Not urgent enough.
      'log UDP local1 notice',
      'log UDP local1 notice debug',
    ]
    await compare(t, [], [...lines, 'log-format "line"'], 24 + levels.length)
  })

  it('stands once when `log global` is there twice', async (t) => {
    const sent = await compare(t, ['log UDP local0'], ['log global', 'log global', 'log-format "line"'], 1)
    assert.equal(sent.datagrams.length, 1)
  })

  it('stands as often as a target is there', async (t) => {
    const proxy = ['log global', 'log UDP local0', 'log UDP local0', 'log UDP local1', 'log-format "line"']
    await compare(t, ['log UDP local0'], proxy, 2)
  })
})
