/** Base64 as strict as HAProxy reads it (src/base64.c): anything else than a whole, padded text is refused. */
import { Buffer } from 'node:buffer'

/** The bytes of padded base64 (RFC 4648 section 4), or undefined. */
export function decodeBase64(text: string): Buffer | undefined {
  const whole = text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)
  return whole ? Buffer.from(text, 'base64') : undefined
}

/** The bytes of base64url without padding (RFC 4648 section 5), or undefined. */
export function decodeBase64Url(text: string): Buffer | undefined {
  const whole = text.length % 4 !== 1 && /^[A-Za-z0-9_-]*$/.test(text)
  return whole ? Buffer.from(text, 'base64url') : undefined
}
