/**
 * What limit.ts does, as scripts for Redis: one key each, so they work in a cluster, and by the clock of the store, for those of
 * agents differ. Numbers are formatted: Lua writes 14 digits of its own accord, and microseconds have 16.
 */
import { createHash } from 'node:crypto'
import type { Limit } from './limit.ts'

/** A script and its digest, by which Redis knows it. */
export interface LimitScript {
  readonly text: string
  readonly sha: string
}

// KEYS[1]; ARGV: limit, window in milliseconds, burst, cost. Answers allowed, remaining, reset and retry in milliseconds.
const sliding = `
local limit, window, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local current = math.floor(now / window)
local kept = redis.call('HMGET', KEYS[1], 'w', 'c', 'b')
local count, before = 0, 0
local last = tonumber(kept[1])
if last == current then
  count, before = tonumber(kept[2]), tonumber(kept[3])
elseif last == current - 1 then
  before = tonumber(kept[2])
end
local elapsed = now - current * window
local weighed = before * (window - elapsed) / window
local allowed = weighed + count + cost <= limit
if allowed then
  count = count + cost
  redis.call('HSET', KEYS[1], 'w', string.format('%.0f', current), 'c', count, 'b', before)
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', 2 * window - elapsed))
end
local reset, retry = 0, 0
if count > 0 then reset = 2 * window - elapsed elseif before > 0 then reset = window - elapsed end
if not allowed then
  local room = limit - cost
  if room < 0 then retry = window
  elseif count <= room then retry = math.ceil(window * (1 - (room - count) / before) - elapsed)
  else retry = math.ceil(window - elapsed + window * (1 - room / count)) end
  retry = math.max(1, retry)
end
return {allowed and 1 or 0, math.max(0, math.floor(limit - weighed - count)), math.ceil(reset), retry}
`

const gcra = `
local limit, window, burst, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local interval = math.ceil(window * 1000 / limit)
local tolerance = interval * burst
local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local next = arrival + interval * cost
local allowed = next - tolerance <= now
local used = arrival - now
if allowed then
  used = next - now
  if used > 0 then
    redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', string.format('%.0f', math.ceil(used / 1000)))
  end
end
local retry = 0
if not allowed then
  local wait = next - tolerance - now
  if cost > burst then wait = window * 1000 end
  retry = math.max(1, math.ceil(wait / 1000))
end
return {allowed and 1 or 0, math.max(0, math.floor((tolerance - used) / interval)), math.ceil(used / 1000), retry}
`

function script(text: string): LimitScript {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

/** The script of each algorithm. */
export const limitScripts: Readonly<Record<Limit['algorithm'], LimitScript>> = {
  'sliding-window': script(sliding),
  gcra: script(gcra),
}
