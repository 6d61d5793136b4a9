/** Tells what may become an HTTP request from what never will, before its head is complete. */
import { Character, isMadeOf } from './characters.ts'

const versions = ['HTTP/1.1', 'HTTP/1.0']

/**
 * Whether `bytes`, which hold no complete head, may be the beginning of a request: for who waits for one among other
 * protocols. Only syntax is looked at, line by line; what parseRequestHead refuses for its meaning passes here.
 */
export function mayBecomeRequest(bytes: Buffer): boolean {
  const text = bytes.toString('latin1').replace(/^(?:\r\n)+/, '')
  const lines = text.split('\r\n')
  const last = lines.pop() ?? ''
  const first = lines.shift()
  if (first === undefined) return beginsRequestLine(last)
  if (!beginsRequestLine(first) || !versions.some((version) => first.endsWith(` ${version}`))) return false
  return lines.every((line) => line.includes(':') && beginsHeaderLine(line)) && beginsHeaderLine(last)
}

/** Of a line that may go on, a CR may be the beginning of its end. */
function withoutCr(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}

function beginsRequestLine(line: string): boolean {
  if (line === '' || line === '\r') return true
  const [method = '', target, version, ...more] = line.split(' ')
  if (!isMadeOf(method, Character.Token) || more.length > 0) return false
  if (target === undefined) return true
  if (version === undefined) return target === '' || isMadeOf(target, Character.Target)
  return (
    isMadeOf(target, Character.Target) &&
    (versions.includes(withoutCr(version)) || versions.some((each) => each.startsWith(version)))
  )
}

function beginsHeaderLine(line: string): boolean {
  const whole = withoutCr(line)
  const colon = whole.indexOf(':')
  const name = colon < 0 ? whole : whole.slice(0, colon)
  const value = colon < 0 ? '' : whole.slice(colon + 1)
  if (name === '') return colon < 0
  return isMadeOf(name, Character.Token) && (value === '' || isMadeOf(value, Character.Text))
}
