/** What all sockets of the data path have in common. */

/**
 * Either side may end before the other, and a socket takes two reads of the other side before it says that it has
 * enough.
 */
export const socketOptions = { allowHalfOpen: true, noDelay: true, highWaterMark: 131_072 }
