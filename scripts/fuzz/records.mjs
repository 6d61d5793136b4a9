// A grammar of FastCGI records, of both ends. Records are written here byte by byte, not by the encoder under test; most are
// right, some have one of the mistakes that peers make.
import { mutateBytes } from './frames.mjs'

const types = {
  begin: 1,
  abort: 2,
  end: 3,
  params: 4,
  stdin: 5,
  stdout: 6,
  stderr: 7,
  data: 8,
  ask: 9,
  values: 10,
}

const heads = [
  'A: b\r\n\r\n',
  'Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\n',
  'Content-Length: 5\n\nhello',
  'Content-Length: 9\r\n\r\nhello',
  'Transfer-Encoding: chunked\r\n\r\n',
  'Status: 103\r\nLink: x\r\n\r\n',
  'Status: 204\r\n\r\n',
  '\n',
  'Status: 20',
  'Location: /x\r\n\r\n',
  'A: \0\r\n\r\n',
  'A : b\r\n\r\n',
  ' folded\r\n\r\n',
  'HTTP/1.1 200 OK\r\n\r\n',
  'Content-Length: 5, 6\r\n\r\n',
  'Transfer-Encoding: gzip\r\n\r\n',
]
const bodies = [
  'hello',
  '5\r\nhello\r\n',
  '0\r\n\r\n',
  'x'.repeat(700),
  '\r\n',
  'zz\r\n',
  '\r\n\r\n',
  'A: b\r\n',
]
const names = [
  'REQUEST_METHOD',
  '__proto__',
  'n'.repeat(127),
  'n'.repeat(128),
  'CONTENT_LENGTH',
  '',
  'A\0',
  'HTTP_A',
]
const texts = ['GET', 'POST', '', 'é', 'v'.repeat(127), 'v'.repeat(300), '5', '-1', 'abc', '0']
const variables = ['FCGI_MAX_CONNS', 'FCGI_MAX_REQS', 'FCGI_MPXS_CONNS', 'FCGI_OTHER', '']

/** How often a type is taken. */
const weights = {
  application: { stdout: 14, end: 2, stderr: 2, values: 1 },
  gateway: { begin: 5, params: 7, stdin: 7, abort: 1, data: 1, ask: 1 },
}

/** Makes records of one end, for the request `id` and now and then for another; those of a gateway mostly in their order. */
export class RecordWriter {
  id = 1
  /** What a gateway sends next. */
  #phase = 'begin'
  #random
  #types
  #inOrder

  constructor(random, end) {
    this.#random = random
    this.#inOrder = end === 'gateway'
    this.#types = Object.entries(weights[end]).flatMap(([name, weight]) => Array(weight).fill(name))
  }

  /** A new connection. */
  restart() {
    this.id = 1
    this.#phase = 'begin'
  }

  /** One record, some of them changed at random. */
  next() {
    const random = this.#random
    const isScripted = this.#inOrder && !random.once(30)
    const name = isScripted ? this.#phase : random.pick(this.#types)
    const content = random.once(200) ? this.#garbage() : this.#content(name)
    if (isScripted) this.#goOn(name, content)
    const type = random.once(200) ? random.below(256) : types[name]
    const padding = random.once(4) ? random.below(256) : 0
    const bytes = Buffer.alloc(8 + content.length + padding)
    bytes[0] = random.once(1000) ? random.below(256) : 1
    bytes[1] = type
    bytes.writeUInt16BE(this.#idOf(name), 2)
    bytes.writeUInt16BE(content.length, 4)
    bytes[6] = padding
    bytes[7] = random.once(50) ? 255 : 0
    content.copy(bytes, 8)
    return random.once(100) ? mutateRecord(random, bytes) : bytes
  }

  #goOn(name, content) {
    if (name === 'begin') this.#phase = 'params'
    else if (content.length > 0) return
    else this.#phase = name === 'params' ? 'stdin' : 'begin'
    // BEGIN_REQUEST of the next one, whether this one was answered or not.
    if (this.#phase === 'begin') this.id = (this.id + 1) & 0xff
  }

  #idOf(name) {
    const random = this.#random
    if (name === 'values' || name === 'ask') return random.once(20) ? this.id : 0
    if (random.once(1000)) return 0
    return random.once(this.#inOrder ? 100 : 8)
      ? random.pick([1, 3, 5, 65_535, this.id + 2, this.id ^ 1]) & 0xffff
      : this.id
  }

  #garbage() {
    const size = this.#random.once(30) ? this.#random.below(65_536) : this.#random.below(40)
    return Buffer.alloc(size, this.#random.below(256))
  }

  #content(name) {
    const random = this.#random
    switch (name) {
      case 'begin':
        return Buffer.from([
          0,
          random.once(100) ? random.below(256) : 1,
          random.once(9) ? 0 : 1,
          0,
          0,
          0,
          0,
          0,
        ])
      case 'end':
        return Buffer.from([0, 0, 0, random.below(3), random.once(30) ? random.below(6) : 0, 0, 0, 0])
      case 'params':
        return random.once(3) ? Buffer.alloc(0) : this.#pairs(names, texts)
      case 'ask':
      case 'values':
        return this.#pairs(variables, name === 'ask' ? [''] : texts)
      case 'stdout':
        if (random.once(6)) return Buffer.alloc(0)
        return Buffer.from(this.#rarely(random.once(2) ? heads : bodies), 'latin1')
      case 'abort':
        return Buffer.alloc(0)
      default:
        return random.once(3) ? Buffer.alloc(0) : Buffer.from(random.pick(bodies), 'latin1')
    }
  }

  #pairs(some, others) {
    const random = this.#random
    const pieces = []
    for (let count = random.below(4); count > 0; count--) {
      const [name, value] = [this.#rarely(some), this.#rarely(others)].map((text) =>
        Buffer.from(text, 'latin1'),
      )
      pieces.push(this.#length(name.length), this.#length(value.length), name, value)
    }
    const all = Buffer.concat(pieces)
    return random.once(100) ? all.subarray(0, random.below(all.length + 1)) : all
  }

  /** Of a list, whose second half is for mistakes. */
  #rarely(list) {
    return list[this.#random.below(this.#random.once(30) ? list.length : Math.ceil(list.length / 2))]
  }

  #length(size) {
    const isLong = size > 127 || this.#random.once(10)
    const bytes = Buffer.alloc(isLong ? 4 : 1)
    if (!isLong) bytes[0] = size
    else
      bytes.writeUInt32BE((this.#random.once(200) ? this.#random.next() | (2 ** 31) : size | (2 ** 31)) >>> 0)
    return bytes
  }
}

/** Changes some bytes; the length is mended half of the time, so that the change is seen behind it. */
function mutateRecord(random, bytes) {
  const changed = mutateBytes(random, bytes)
  const size = changed.length - 8 - (changed[6] ?? 0)
  if (size >= 0 && size < 65_536 && random.once(2)) changed.writeUInt16BE(size, 4)
  return changed
}

/** Cuts what is written anywhere, between records and within them. */
export class Cutter {
  #random
  #carry = Buffer.alloc(0)

  constructor(random) {
    this.#random = random
  }

  /** Bytes that are due now, in pieces; the rest comes with the next. */
  *cut(bytes) {
    const random = this.#random
    let rest = this.#carry.length === 0 ? bytes : Buffer.concat([this.#carry, bytes])
    const kept = random.once(3) ? random.below(rest.length + 1) : 0
    this.#carry = rest.subarray(rest.length - kept)
    rest = rest.subarray(0, rest.length - kept)
    while (rest.length > 0) {
      const size = random.once(2) ? rest.length : 1 + random.below(rest.length)
      yield rest.subarray(0, size)
      rest = rest.subarray(size)
    }
  }

  /** A new connection begins with a whole record. */
  forget() {
    this.#carry = Buffer.alloc(0)
  }
}
