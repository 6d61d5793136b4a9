/** The dissector in a real tshark, on what real HAProxys have said; and captures of ours as tshark and editcap see them. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Entry, FrameEntry } from '#src/inspect/entry.js'
import { capturedVersions } from '../support/captures.ts'
import { runCli } from '../support/sluice.ts'
import { skipWithoutTshark, Tshark } from '../support/tshark.ts'
import { pcapOf } from '../inspect/pcap-support.ts'
import { captured, frame, inspect, recv, send, type Step } from '../inspect/support.ts'

const hello = (size: string, capabilities = '0a "pipelining"') => [
  send(
    `01 00 00 00 01 00 00 12 "supported-versions" 08 03 "2.0" 0e "max-frame-size" 03 ${size} 0c "capabilities" 08 ${capabilities}`,
  ),
  recv(
    `65 00 00 00 01 00 00 07 "version" 08 03 "2.0" 0e "max-frame-size" 03 ${size} 0c "capabilities" 08 ${capabilities}`,
  ),
]
const notify = (ids: string, at = 0) => send(`03 00 00 00 01 ${ids} 05 "check" 00`, at)
const ack = (ids: string, actions = '', at = 0) => recv(`67 00 00 00 01 ${ids} ${actions}`, at)

const isFrame = (entry: Entry): entry is FrameEntry => entry.kind === 'frame'

describe('the dissector in tshark', { skip: skipWithoutTshark() }, () => {
  let tshark: Tshark
  before(async () => {
    tshark = await Tshark.install()
  })
  after(() => tshark.remove())

  const heads = ['spop.type', 'spop.stream_id', 'spop.frame_id', 'spop.length'] as const

  /** A packet with several frames has a list in each column. */
  function framesIn(rows: readonly (readonly string[])[]): string[] {
    return rows.flatMap((row) => {
      const [types = [], ...others] = row.slice(0, heads.length).map((cell) => cell.split(','))
      return types.map((type, at) => [type, ...others.map((column) => column[at])].join(' '))
    })
  }

  /** Every frame of a capture: type, ids, length. */
  async function framesOf(steps: readonly Step[], ...more: string[]): Promise<string[]> {
    const path = tshark.file('frames.pcap', pcapOf(steps))
    return framesIn(await tshark.fields(path, 'spop', heads, ...more))
  }

  /** What another decoder makes of the same bytes. */
  function expectedOf(steps: readonly Step[]): string[] {
    return inspect(steps)
      .filter(isFrame)
      .map(({ bytes, size }) => {
        const [type, stream, frameId] = [bytes[4], bytes[9], bytes[10]]
        return `${type} ${stream} ${frameId} ${size}`
      })
  }

  for (const version of capturedVersions) {
    it(`HAProxy ${version}: every frame, message and variable is found by its HELLO alone`, async () => {
      const steps = captured(version)
      const path = tshark.file('frames.pcap', pcapOf(steps))
      const rows = await tshark.fields(path, 'spop', [
        ...heads,
        'spop.message',
        'spop.variable',
        'spop.response_in',
        'spop.response_to',
        'spop.undecodable',
      ])
      assert.deepEqual(framesIn(rows), expectedOf(steps))
      const entries = inspect(steps).filter(isFrame)
      const column = (at: number) =>
        rows.flatMap((row) => row[heads.length + at]?.split(',').filter((each) => each !== '') ?? [])
      assert.deepEqual(
        column(0),
        entries.flatMap(({ messages }) => messages),
      )
      const variables = entries.flatMap(({ name, details }) =>
        name === 'ACK' ? details.map((each) => each.name) : [],
      )
      assert.deepEqual(column(1), variables)
      const acks = entries.filter(({ name }) => name === 'ACK').length
      assert.deepEqual([column(2).length, column(3).length, column(4).length], [acks, acks, 0])
    })
  }

  it('values are those of the bytes', async () => {
    const path = tshark.file('values.pcap', pcapOf(captured('3.2.0')))
    const names = [
      'spop.value.int',
      'spop.value.bool',
      'spop.value.ipv4',
      'spop.value.ipv6',
      'spop.value.string',
      'spop.value.binary',
    ]
    const [row] = await tshark.fields(path, 'spop.type == 3', names)
    assert.deepEqual(
      row?.slice(0, 4),
      [
        '300,-5,9223372036854775807,-9223372036854775808,1,2',
        'True,False',
        '127.0.0.1,127.0.0.1',
        '2001:db8::1',
      ].map((each) => (each === 'True,False' ? (row?.[1] ?? '') : each)),
    )
    assert.match(row?.[1] ?? '', /^(True|1),(False|0)$/)
    assert.match(row?.[4] ?? '', /^hello,.*GET,.*\/one,/)
    assert.match(row?.[5] ?? '', /^00ff10,/)
  })

  it('frames in pieces, and several in a packet, are put together', async () => {
    const [first, second] = [notify('07 01'), notify('f0 80 80 00 02')]
    const both = Buffer.concat([first.what as Buffer, second.what as Buffer])
    const pieces = [0, 3, 9, 20, 33].map((from, at, all) => both.subarray(from, all[at + 1] ?? both.length))
    const cut: Step[] = pieces.map((what) => ({ from: 'client', what, at: 1 }))
    const found = await framesOf([...hello('fc f0 06'), ...cut])
    assert.deepEqual(
      found.slice(2).map((each) => each.split(' ').slice(0, 3).join(' ')),
      ['3 7 1', '3 264432 2'],
    )
  })

  it('what is wrong has an expert item', async () => {
    const steps = [
      ...hello('f0 01'), // 256
      notify('07 01'),
      ack('07 01', '01 03 02 01 "x" 11 01 04 02 01 "y" 11', 81),
      notify('09 01', 90),
      notify('09 01', 198),
      ack('09 01', '', 200),
      ack('09 01', '', 201),
      ack('0b 01', '', 202),
      notify('0d 01', 210),
      ack('0d 01', '01 03 02 47 61*71 11', 211),
      notify('0f 01', 220),
      ack('0f 01', '01 03 02 01 "z" 08 f0 06 62*336', 221),
      notify('11 01', 230),
      recv('67 00 00 00 00 11 01', 231),
      send('03 00 00 00 01 13 01 01 "m" 01 01 "a" 0f', 240),
      recv('66 00 00 00 01 00 00 0b "status-code" 03 04 07 "message" 08 00', 250),
    ]
    const path = tshark.file('experts.pcap', pcapOf(steps))
    const rows = await tshark.fields(
      path,
      'spop && _ws.expert',
      ['_ws.expert.message'],
      '-o',
      'spop.timeout:50',
    )
    const messages = rows.flat().join('\n')
    for (const wanted of [
      'action 2 ignored by HAProxy: nb-args is 4',
      'ACK 31 ms after the stream timed out',
      'NOTIFY 9/1 was asked 108 ms ago and has no answer yet',
      'a second ACK 9/1',
      'ACK 11/1 answers no NOTIFY',
      'variable name of 71 characters is dropped',
      '351 bytes, and max-frame-size is 256',
      'ACK without FIN: HAProxy disconnects with status 10',
      'cannot be decoded: a value of type 15',
      'status 4: invalid frame received',
    ]) {
      assert.ok(messages.includes(wanted), `${wanted}\n---\n${messages}`)
    }
    const [time] = await tshark.fields(path, 'spop.time && frame.time_relative < 0.1', [
      'spop.time',
      'spop.response_to',
    ])
    assert.match(time?.join(' ') ?? '', /^0\.081\d* 6$/)
  })

  it('without its HELLO a connection is known by decode-as, or by the preference', async () => {
    const steps = [notify('07 01'), ack('07 01')]
    assert.deepEqual(await framesOf(steps), [])
    assert.equal((await framesOf(steps, '-d', 'tcp.port==12345,spop')).length, 2)
    assert.equal((await framesOf(steps, '-o', 'spop.ports:12345')).length, 2)
  })

  it('bytes of any kind do not stop the script', async () => {
    const garbage = [
      'ff*40',
      '00 00 00 05 03',
      '03',
      '03 00 00 00 01 ff*12',
      '67 00 00 00 01 01 01 01',
      '66 00 00 00 01 00 00 ff',
    ]
    const steps = garbage.flatMap((hex, at): Step[] => [
      ...hello('fc f0 06').map((step) => ({ ...step, connection: at + 1 })),
      { from: 'client', what: frame(hex), at: 1, connection: at + 1 },
      { from: 'server', what: Buffer.from('GET / HTTP/1.1\r\n\r\n'), at: 2, connection: at + 1 },
    ])
    assert.ok((await framesOf(steps)).length >= 2 * garbage.length)
  })

  it('captures of ours are sound, over IPv4 and IPv6, and those of editcap are read', async () => {
    const steps = captured('3.0.0')
    for (const ends of [[], ['[2001:db8::1]:40000', '[2001:db8::2]:12345']]) {
      const path = tshark.file('sound.pcap', pcapOf(steps, ...ends))
      const checks = ['-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE']
      const bad =
        'tcp.checksum.status == 0 || ip.checksum.status == 0 || tcp.analysis.retransmission || tcp.analysis.lost_segment || tcp.analysis.out_of_order || _ws.malformed'
      assert.deepEqual(await tshark.fields(path, bad, ['frame.number'], ...checks), [])
    }
    const source = tshark.file('source.pcap', pcapOf(steps))
    const expected = await runCli(['inspect', 'read', source])
    assert.match(expected.stdout, /NOTIFY {2}4\/1.*\n.*UNSET/)
    for (const form of ['pcapng', 'nsecpcap']) {
      const path = join(tshark.home, `form.${form}`)
      execFileSync('editcap', ['-F', form, source, path])
      assert.notDeepEqual(readFileSync(path).subarray(0, 4), readFileSync(source).subarray(0, 4))
      assert.equal((await runCli(['inspect', 'read', path])).stdout, expected.stdout, form)
    }
  })
})
