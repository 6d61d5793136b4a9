/**
 * Messages of the Financial Information eXchange protocol (FIX 4.0 to 5.0, "tag=value" encoding), as far as HAProxy looks
 * at them: BeginString, BodyLength and MsgType first, CheckSum last, lengths and sums right.
 */

/** What is known of a message that may still be coming in. */
export type FixVerdict = 'valid' | 'invalid' | 'incomplete'

const delimiter = '\x01'

const beginString = 8
const bodyLength = 9
const checkSum = 10
const msgType = 35

const tagNames: ReadonlyMap<string, number> = new Map([
  ['beginstring', beginString],
  ['bodylength', bodyLength],
  ['checksum', checkSum],
  ['msgtype', msgType],
  ['sendercompid', 49],
  ['targetcompid', 56],
])

/** The highest tag of each version. All of 5.0 call themselves FIXT.1.1. */
const highestTags: ReadonlyMap<string, number> = new Map([
  ['FIX.4.0', 140],
  ['FIX.4.1', 211],
  ['FIX.4.2', 446],
  ['FIX.4.3', 659],
  ['FIX.4.4', 956],
  ['FIXT.1.1', 1621],
])

/** Fewer bytes are never a whole message. */
const leastSize = 26

/** The number of a tag that is written as such or by its name; 0 is none. */
export function fixTag(text: string): number {
  return parseTag(text) || (tagNames.get(text.toLowerCase()) ?? 0)
}

function parseTag(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : 0
}

interface Field {
  readonly tag: number
  readonly value: string
  /** Where it begins, and where the next one does. */
  readonly from: number
  readonly end: number
}

/** The field at `from`. HAProxy means to refuse empty values, and takes them. */
function fieldAt(message: string, from: number): Field | 'invalid' | 'incomplete' {
  const equals = message.indexOf('=', from)
  const end = equals < 0 ? -1 : message.indexOf(delimiter, equals)
  if (end < 0) return 'incomplete'
  const tag = parseTag(message.slice(from, equals))
  const value = message.slice(equals + 1, end)
  return tag === 0 ? 'invalid' : { tag, value, from, end: end + 1 }
}

/** Whether it is a whole and right message; what stands behind it is not looked at. */
export function checkFix(message: string): FixVerdict {
  if (message.length < leastSize) return 'incomplete'
  const first = fieldAt(message, 0)
  if (typeof first === 'string') return first
  const highest = highestTags.get(first.value)
  if (first.tag !== beginString || highest === undefined) return 'invalid'
  const isKnown = ({ tag }: Field): boolean => tag <= highest || (tag >= 10_000 && tag <= 19_999)
  const second = fieldAt(message, first.end)
  if (typeof second === 'string') return second
  if (second.tag !== bodyLength || parseTag(second.value) === 0) return 'invalid'
  let field = fieldAt(message, second.end)
  if (typeof field !== 'string' && field.tag !== msgType) return 'invalid'
  while (typeof field !== 'string') {
    if (!isKnown(field)) return 'invalid'
    if (field.tag === checkSum) {
      const isWhole = parseTag(second.value) === field.from - second.end
      return isWhole && isSum(field.value, message, field.from) ? 'valid' : 'invalid'
    }
    field = fieldAt(message, field.end)
  }
  return field
}

/** Three decimal digits: the sum of all bytes before, modulo 256. */
function isSum(text: string, message: string, end: number): boolean {
  let sum = 0
  for (let at = 0; at < end; at++) sum += message.charCodeAt(at)
  return text === String(sum % 256).padStart(3, '0')
}

/** The value of the first field with that tag; undefined when there is none (yet), or an empty one. */
export function fixValue(message: string, wanted: number): string | undefined {
  for (let at = 0; at < message.length;) {
    const field = fieldAt(message, at)
    if (typeof field === 'string') return undefined
    if (field.tag === wanted) return field.value === '' ? undefined : field.value
    if (field.tag === checkSum) return undefined
    at = field.end
  }
  return undefined
}
