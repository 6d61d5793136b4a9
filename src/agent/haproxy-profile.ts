import type { HaproxyHelloFrame } from '../spop/hello.ts'

/**
 * Which HAProxy says such a HELLO, for people. Up to 3.0 it offers `async` unless it was told not to; 3.1 has removed it. The
 * version itself is not told.
 */
export function profileOf({ capabilities = '' }: Pick<HaproxyHelloFrame, 'capabilities'>): string {
  const offered = capabilities.split(',').map((each) => each.trim())
  if (offered.includes('async')) return 'HAProxy 1.8 to 3.0'
  return offered.includes('pipelining') ? 'HAProxy 3.1 or later' : 'without pipelining'
}
