/** HTTP requests on kept connections: see http-setup.ts and http-asks.ts. */
import { askPieces } from './ask.ts'
import type { Ask } from './ask.ts'
import type { Sequence } from './client.ts'
import { randomSequence, smallerSequences } from './http-asks.ts'
import { httpKnown } from './http-known.ts'
import { randomHttpSetup, renderHttpSetup, renderSpoe, smallerHttpSetups } from './http-setup.ts'
import type { HttpSetup, HttpTaste } from './http-setup.ts'
import { HttpSide } from './http-side.ts'
import type { HttpScene } from './http-side.ts'
import type { Kind } from './kind.ts'
import { Origin } from './origin.ts'

const scene: HttpScene = {
  createOrigin: () => new Origin(),
  overFcgi: () => false,
  tidy: (transcript) => transcript,
}

export function httpKind(taste: HttpTaste): Kind<HttpSetup, Sequence> {
  return {
    name: 'http',
    ...httpParts(scene),
    known: httpKnown,
    setup: (random) => randomHttpSetup(random, taste),
    make: (random, setup) => {
      const sequence = randomSequence(random, setup)
      return taste.deaths ? sequence : { ...sequence, asks: sequence.asks.map(livelier) }
    },
  }
}

/** The same from a server that ends no connection in the middle. */
function livelier(ask: Ask): Ask {
  const { answer } = ask
  const dies = ['drop', 'head-cut', 'reset', 'cut', 'garbage'].includes(answer.end)
  return dies ? { ...ask, answer: { ...answer, end: answer.framing === 'close' ? 'close' : 'keep' } } : ask
}

/** What all kinds with HTTP clients have in common. */
export function httpParts(
  of: HttpScene,
): Omit<Kind<HttpSetup, Sequence>, 'name' | 'known' | 'setup' | 'make'> {
  return {
    together: 20,
    start: (setup, role) => HttpSide.start(of, setup, role),
    smallerSetups: smallerHttpSetups,
    smallerCases: smallerSequences,
    showSetup: (setup) => {
      const spoe = renderSpoe(setup)
      const config = renderHttpSetup(setup, shownPorts, of.overFcgi({ program: 'sluice' }))
      return config + (spoe === undefined ? '' : `\n# spoe.conf\n${spoe}`)
    },
    showCase: showSequence,
  }
}

const shownPorts = { fe: 8000, origin: 8001, agent: 8002 }

function showSequence({ asks, end }: Sequence): string {
  const shown = asks.map((ask, at) => {
    const pieces = askPieces(ask, `q0000001.${at}`).map(({ text, pause, listens }) => {
      const wait =
        listens === true ? ' and waits for an answer to it' : pause > 0 ? ` and waits ${pause} ms` : ''
      return `client sends${wait}: ${shorten(text)}`
    })
    const after = ask.waits ? 'client waits for the answer' : 'client goes on at once'
    const tunnel =
      ask.tunnel === '' ? [] : [`once it is a tunnel, client sends: ${JSON.stringify(ask.tunnel)}`]
    return [...pieces, ...tunnel, after].join('\n')
  })
  return [...shown, `client at the end: ${end}`].join('\n')
}

function shorten(text: string): string {
  return JSON.stringify(text.length > 900 ? `${text.slice(0, 800)}…(${text.length})` : text)
}
