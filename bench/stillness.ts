/**
 * A process that only sleeps, a millisecond at a time: how long it was kept from it is how long the machine stood still
 * for everybody on this core. Prints `ready`, and the longest gap since the last time, in milliseconds, on SIGUSR2.
 */
let longest = 0
let last = performance.now()
setInterval(() => {
  const now = performance.now()
  longest = Math.max(longest, now - last)
  last = now
}, 1)
process.on('SIGUSR2', () => {
  console.log(longest)
  longest = 0
})
console.log('ready')
