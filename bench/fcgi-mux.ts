/** 32 clients whose requests share one connection to an application in Go, beside a connection for each that is busy. */
import { atMost, notRun, told, type Figure } from './figure.js'
import { missingForFcgi } from './fcgi-origin.js'
import type { ProxyCase } from './proxy-cases.js'
import { gateways } from './proxy-gateway.js'
import { measure, type Measurement } from './proxy-run.js'
import { compile, hasProgram, median } from './processes.js'

export const muxName = 'proxy-fcgi-mux'

/** CPU with one connection as a multiple of that with 32. */
const bar = 1
const shape = { name: muxName, connections: 32, length: 5 }
const many: ProxyCase = { ...shape, setup: 'fcgi-go' }
const one: ProxyCase = { ...shape, setup: 'fcgi-go-mux' }

/** Rounds as in proxy-run.ts. */
export async function runMuxCase(
  runs: number,
  seconds: number,
  beside: string | undefined,
): Promise<Figure[]> {
  const missing = ['haproxy', 'taskset'].filter((program) => !hasProgram(program))
  missing.push(...missingForFcgi('fcgi-go-mux'))
  if (missing.length > 0) return [notRun(muxName, `${missing.join(', ')} is not installed`)]
  const load = compile('http-load')
  if (load === undefined) return [notRun(muxName, 'no C compiler')]
  const rounds = gateways(beside).map((gateway) => ({
    gateway,
    many: [] as Measurement[],
    one: [] as Measurement[],
  }))
  for (let run = 0; run < runs; run++) {
    for (const each of rounds) {
      each.many.push(await measure(many, each.gateway, seconds, load))
      each.one.push(await measure(one, each.gateway, seconds, load))
    }
  }
  return rounds.flatMap((each, at) => {
    const ratio = median(each.one.map(({ cpu }, run) => cpu / (each.many[run]?.cpu ?? Number.NaN)))
    const cpu = (what: string, results: readonly Measurement[]) =>
      told(
        muxName,
        `${each.gateway.name}: CPU per million, ${what}`,
        median(results.map((of) => of.cpu)),
        's',
      )
    const figure = `${each.gateway.name}: one connection over 32`
    return [
      cpu('32 connections', each.many),
      cpu('one connection', each.one),
      at === 1 ? atMost(muxName, figure, ratio, 'x', bar) : told(muxName, figure, ratio, 'x'),
    ]
  })
}
