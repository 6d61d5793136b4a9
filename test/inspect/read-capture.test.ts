/** Captures as they come from networks: other byte orders, segments in any order, some of them missing. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readCapture, type CaptureFilter } from '#src/inspect/capture/read-capture.js'
import { readHex } from '#src/inspect/capture/read-hex.js'
import { Inspector } from '#src/inspect/inspector.js'
import type { Entry } from '#src/inspect/entry.js'
import { pcapOf } from './pcap-support.ts'
import { captured, epoch, inspect, recv, send, type Step } from './support.ts'

const everything: CaptureFilter = { port: undefined, any: false }

function inspector(entries: Entry[]): Inspector {
  const settings = { showSecrets: false, processingTimeout: undefined, varPrefix: undefined }
  return new Inspector({ ...settings, protocol: 'auto', onEntry: (entry) => entries.push(entry) })
}

function read(file: Buffer, filter = everything) {
  const entries: Entry[] = []
  const summary = readCapture(file, inspector(entries), filter)
  return { entries, summary }
}

/** What was told, without times and places: the frames, the gaps, the ends. */
function told(entries: readonly Entry[]): string[] {
  return entries.flatMap((entry) => {
    if (entry.kind === 'frame') return [`${entry.from} ${entry.name} ${entry.ids ?? ''} ${entry.size}`]
    if (entry.kind === 'gap') return [`${entry.from} gap ${entry.size}`]
    return entry.kind === 'open' ? [] : [`${entry.kind}`]
  })
}

/** The packets of a capture, their 16 bytes of head included. */
function packetsOf(file: Buffer): Buffer[] {
  const packets: Buffer[] = []
  for (let at = 24; at < file.length;) {
    const end = at + 16 + file.readUInt32LE(at + 8)
    packets.push(file.subarray(at, end))
    at = end
  }
  return packets
}

const nothing = Buffer.alloc(0)

const again = (file: Buffer, packets: readonly Buffer[]) => Buffer.concat([file.subarray(0, 24), ...packets])

const hello = [
  send(
    '01 00 00 00 01 00 00 12 "supported-versions" 08 03 "2.0" 0e "max-frame-size" 03 fc f0 06 0c "capabilities" 08 00',
  ),
  recv(
    '65 00 00 00 01 00 00 07 "version" 08 03 "2.0" 0e "max-frame-size" 03 fc f0 06 0c "capabilities" 08 00',
  ),
]
const notify = (id: string) => send(`03 00 00 00 01 ${id} 01 05 "check" 00`)
const ack = (id: string) => recv(`67 00 00 00 01 ${id} 01`)
const steps: Step[] = [...hello, notify('01'), ack('01'), notify('03'), ack('03'), notify('05'), ack('05')]
const plain = pcapOf(steps)
const whole = told(inspect(steps))

describe('captures', () => {
  it('are read as the connections were: all of HAProxy 2.6, fragments and seven connections', () => {
    const { entries, summary } = read(pcapOf(captured('2.6.12')))
    assert.deepEqual(told(entries).toSorted(), told(inspect(captured('2.6.12'))).toSorted())
    assert.deepEqual([summary.connections, summary.others, summary.unknownLinks], [7, 0, 0])
  })

  it('in both byte orders, with micro- and nanoseconds', () => {
    for (const nanoseconds of [false, true]) {
      for (const big of [false, true]) {
        const file = Buffer.from(plain)
        const put = (value: number, at: number) =>
          void (big ? file.writeUInt32BE(value, at) : file.writeUInt32LE(value, at))
        for (const packet of packetsOf(plain)) {
          const at = packet.byteOffset - plain.byteOffset
          for (const place of [0, 8, 12]) put(plain.readUInt32LE(at + place), at + place)
          put(123_456 * (nanoseconds ? 1000 : 1), at + 4)
        }
        put(nanoseconds ? 0xa1b2_3c4d : 0xa1b2_c3d4, 0)
        put(101, 20)
        const { entries } = read(file)
        assert.deepEqual(told(entries), whole)
        assert.equal(entries[0]?.time, epoch + 123.456)
      }
    }
  })

  it('as pcapng in both byte orders, with all three blocks that hold packets, and times of any resolution', () => {
    for (const big of [false, true]) {
      const number = (size: 2 | 4, value: number) => {
        const bytes = Buffer.alloc(size)
        if (big) bytes.writeUIntBE(value, 0, size)
        else bytes.writeUIntLE(value, 0, size)
        return bytes
      }
      const block = (type: number, ...parts: readonly Buffer[]) => {
        const body = Buffer.concat(parts)
        const padded = Buffer.concat([body, Buffer.alloc(-body.length & 3)])
        const size = number(4, padded.length + 12)
        return Buffer.concat([number(4, type), size, padded, size])
      }
      const section = block(
        0x0a0d_0d0a,
        number(4, 0x1a2b_3c4d),
        number(2, 1),
        number(2, 0),
        Buffer.alloc(8, 255),
      )
      const option = (code: number, value: Buffer) => [
        number(2, code),
        number(2, value.length),
        value,
        Buffer.alloc(-value.length & 3),
      ]
      // Times in 1/1024 of a second, and some that begin 1000 seconds later.
      const offset = big ? Buffer.from('00000000000003e8', 'hex') : Buffer.from('e803000000000000', 'hex')
      const first = block(
        1,
        number(2, 101),
        number(2, 0),
        number(4, 0),
        ...option(2, Buffer.from('lo')),
        ...option(9, Buffer.from([0x8a])),
        ...option(14, offset),
        ...option(0, nothing),
      )
      const blocks = packetsOf(plain).map((packet, at) => {
        const bytes = packet.subarray(16)
        const size = number(4, bytes.length)
        const ticks = [number(4, 0), number(4, 512)]
        if (at % 3 === 0) return block(6, number(4, 0), ...ticks, size, size, bytes)
        if (at % 3 === 1) return block(2, number(2, 0), number(2, 0), ...ticks, size, size, bytes)
        return block(3, size, bytes)
      })
      const unknown = block(0x0bad, Buffer.from('abc'))
      const { entries } = read(Buffer.concat([section, first, unknown, ...blocks]))
      assert.deepEqual(told(entries), whole, big ? 'big' : 'little')
      const times = new Set(entries.map(({ time }) => time))
      assert.deepEqual(times, new Set([1_000_500, 0]))
    }
  })

  it('behind Ethernet with a VLAN, behind Linux cooked headers and the loopback of BSD', () => {
    const heads: readonly (readonly [number, string])[] = [
      [1, '0202020202020404040404048100000a0800'],
      [113, '000000010006020202020202000008 00'.replace(' ', '')],
      [276, '0800000000000001000106000202020202020000'],
      [0, '02000000'],
    ]
    for (const [link, head] of heads) {
      const file = Buffer.from(plain)
      file.writeUInt32LE(link, 20)
      const padded = packetsOf(file).map((packet) => {
        const longer = Buffer.concat([
          packet.subarray(0, 16),
          Buffer.from(head, 'hex'),
          packet.subarray(16),
          Buffer.alloc(6),
        ])
        longer.writeUInt32LE(longer.length - 16, 8)
        return longer
      })
      assert.deepEqual(told(read(again(file, padded)).entries), whole, `link type ${link}`)
    }
  })

  it('retransmissions and segments out of order change nothing', () => {
    const packets = packetsOf(plain)
    const [syn, synAck, third, ...data] = packets as [Buffer, Buffer, Buffer, ...Buffer[]]
    const client = data.filter((_, at) => at % 2 === 0)
    const server = data.filter((_, at) => at % 2 === 1)
    const start = [syn, synAck, third]
    const cases: Record<string, Buffer[]> = {
      twice: [...start, ...data.flatMap((each) => [each, each])],
      'all again at the end': [...packets, ...data],
      'the client backwards': [
        ...start,
        ...client.slice(0, 1),
        ...server.slice(0, 1),
        ...client.slice(1).toReversed(),
        ...server.slice(1),
      ],
    }
    for (const [name, order] of Object.entries(cases)) {
      assert.deepEqual(told(read(again(plain, order)).entries).toSorted(), whole.toSorted(), name)
    }
  })

  it('a segment that is missing is told, and reading goes on with the next frame', () => {
    const packets = packetsOf(plain)
    const lost = packets[7] as Buffer // NOTIFY 3/1
    const { entries } = read(
      again(
        plain,
        packets.filter((each) => each !== lost),
      ),
    )
    const expected = whole.filter((each) => !each.includes('3/1'))
    assert.deepEqual(
      told(entries)
        .filter((each) => !each.includes('3/1'))
        .toSorted(),
      [...expected, 'client gap 18'].toSorted(),
    )
    assert.deepEqual(
      entries.flatMap(({ findings }) => findings),
      [],
    )
  })

  it('a segment that is missing in a long capture is found out by what the other end acknowledges', () => {
    const later: Step[] = [notify('01'), ack('01'), notify('03'), ack('03')]
    const all = pcapOf([...steps, ...later.map((step, at) => ({ ...step, at: 1000 + at * 100 }))])
    const packets = packetsOf(all)
    const lost = packets[7] as Buffer
    const { entries } = read(
      again(
        all,
        packets.filter((each) => each !== lost),
      ),
    )
    const frames = told(entries)
    assert.ok(frames.indexOf('client gap 18') < frames.length - 4, frames.join('\n'))
    assert.deepEqual(
      entries.flatMap(({ findings }) => findings),
      [],
    )
  })

  it('one that begins in the middle of a connection knows who is who, and does not miss the HELLOs', () => {
    const packets = packetsOf(plain).slice(5)
    const { entries } = read(again(plain, packets))
    assert.deepEqual(told(entries), whole.slice(2))
    assert.deepEqual(
      entries.flatMap(({ findings }) => findings),
      [],
    )
    const [open] = entries
    assert.ok(open?.kind === 'open' && open.server === '127.0.0.1:12345')
  })

  it('one that is cut, even within a packet, is read as far as it goes', () => {
    for (let size = 24; size < plain.length; size += 7) {
      const { entries } = read(plain.subarray(0, size))
      const found = told(entries)
      assert.deepEqual(found, whole.slice(0, found.length))
    }
  })

  it('other protocols are counted, and read only where they are asked for', () => {
    const http: Step[] = [{ from: 'client', what: Buffer.from('GET / HTTP/1.1\r\n\r\n'), at: 0 }]
    const { summary } = read(pcapOf(http))
    assert.deepEqual([summary.connections, summary.others], [0, 1])
    assert.deepEqual(told(read(pcapOf(http), { port: undefined, any: true }).entries), ['broken'])
    assert.equal(read(plain, { port: 1, any: false }).summary.connections, 0)
    assert.equal(read(plain, { port: 12_345, any: false }).summary.connections, 1)
  })

  it('random bytes behind a head never throw', () => {
    let seed = 7
    const random = () => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31
    for (let round = 0; round < 300; round++) {
      const file = Buffer.from(plain)
      for (let times = 0; times < 20; times++)
        file[24 + Math.floor(random() * (file.length - 24))] = Math.floor(random() * 256)
      read(file)
    }
  })
})

describe('frames in hexadecimal', () => {
  const frames = steps.map(({ what }) => what as Buffer)

  function readText(text: string): string[] {
    const entries: Entry[] = []
    readHex(text, inspector(entries), 'auto', epoch)
    return told(entries)
  }

  it('plain, in lines of any length, with comments', () => {
    const hex = Buffer.concat(frames).toString('hex')
    assert.deepEqual(readText(hex), whole)
    assert.deepEqual(readText(`# all\n${(hex.match(/.{1,34}/g) ?? []).join('\n')}\n`), whole)
    assert.deepEqual(readText((hex.match(/../g) ?? []).join(' ')), whole)
  })

  it('as a transcript of sluice probe', () => {
    const lines = steps.map(
      ({ from, what }) => `      ${from === 'client' ? '>' : '<'} ${(what as Buffer).toString('hex')}`,
    )
    assert.deepEqual(readText([...lines, '      < FIN'].join('\n')), whole)
  })

  it('as xxd, hexdump -C and od print them', () => {
    const all = Buffer.concat(frames)
    const rows = Array.from({ length: Math.ceil(all.length / 16) }, (_, row) =>
      all.subarray(row * 16, row * 16 + 16),
    )
    const text = (row: Buffer) => row.toString('latin1').replace(/[^ -~]/g, '.')
    const offset = (at: number) => (at * 16).toString(16).padStart(8, '0')
    const pairs = (row: Buffer, size: number) =>
      (row.toString('hex').match(new RegExp(`.{1,${size}}`, 'g')) ?? []).join(' ')
    const xxd = rows.map((row, at) => `${offset(at)}: ${pairs(row, 4)}  ${text(row)}`)
    const hexdump = rows.map((row, at) => `${offset(at)}  ${pairs(row, 2).padEnd(48)}  |${text(row)}|`)
    assert.deepEqual(readText(xxd.join('\n')), whole)
    assert.deepEqual(readText(hexdump.join('\n')), whole)
  })

  it('a line that is none is named', () => {
    assert.throws(() => readText('00ff\nhello'), /line 2 is no hexadecimal: 'hello'/)
    assert.throws(() => readText('00f'), /line 1/)
  })
})
