/** What who looks has chosen; all of it but the theme is in the URL. */

/** See each key. */
export interface Ui {
  /** Rows, errors, connections, sources and messages that have it are shown. */
  readonly filter: string
  /** Only what is in trouble. */
  readonly trouble: boolean
  /** The column that rows are sorted by, with a minus before it for the largest first. */
  readonly sort: string
  /** What charts show. */
  readonly minutes: 1 | 5 | 10
  /** The row that charts are about; empty for all. */
  readonly row: string
  readonly paused: boolean
  readonly help: boolean
}

/** What a page begins with. */
export const defaultUi: Ui = {
  filter: '',
  trouble: false,
  sort: '-rate',
  minutes: 5,
  row: '',
  paused: false,
  help: false,
}

/** Reads the query of a URL; what is wrong in it is left out. */
export function parseUi(query: string): Ui {
  const params = new URLSearchParams(query)
  const minutes = Number(params.get('minutes'))
  return {
    ...defaultUi,
    filter: (params.get('q') ?? '').slice(0, 200),
    trouble: params.has('trouble'),
    sort: /^-?\w+$/.exec(params.get('sort') ?? '')?.[0] ?? defaultUi.sort,
    minutes: minutes === 1 || minutes === 10 ? minutes : defaultUi.minutes,
    row: (params.get('row') ?? '').slice(0, 200),
  }
}

/** The query for a choice, with the question mark; `?` alone when all is as at the beginning. */
export function formatUi(ui: Ui): string {
  const params = new URLSearchParams()
  if (ui.filter !== '') params.set('q', ui.filter)
  if (ui.trouble) params.set('trouble', '')
  if (ui.sort !== defaultUi.sort) params.set('sort', ui.sort)
  if (ui.minutes !== defaultUi.minutes) params.set('minutes', String(ui.minutes))
  if (ui.row !== '') params.set('row', ui.row)
  return `?${params.toString()}`
}

/** Whether a text has what is looked for. */
export function matches({ filter }: Ui, ...texts: readonly string[]): boolean {
  const wanted = filter.trim().toLowerCase()
  return wanted === '' || texts.some((each) => each.toLowerCase().includes(wanted))
}
