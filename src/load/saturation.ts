/** The largest rate that is borne: doubled until it is not, then halved between the two. */

/** One rate that was tried. */
export interface Trial<Found> {
  readonly rate: number
  readonly isBorne: boolean
  readonly found: Found
}

/** How it is looked for. */
export interface SearchOptions<Found> {
  /** The first rate. */
  readonly from: number
  /** No rate above it is tried. */
  readonly most: number
  /** How near the answer is to the truth, as a share of it. */
  readonly precision: number
  /** Tries a rate. */
  readonly attempt: (rate: number) => Promise<{ readonly isBorne: boolean; readonly found: Found }>
  /** After each of them; false ends the search. */
  readonly onTrial?: (trial: Trial<Found>) => boolean
}

/** No rate below it is tried. */
const least = 1

/** Answers the largest rate that was borne, undefined when none was. */
export async function findLargestRate<Found>({
  from,
  most,
  precision,
  attempt,
  onTrial = () => true,
}: SearchOptions<Found>): Promise<Trial<Found> | undefined> {
  let borne: Trial<Found> | undefined
  let failed: number | undefined
  for (let rate = Math.min(from, most); ;) {
    const trial = { rate, ...(await attempt(rate)) }
    if (trial.isBorne) borne = trial
    else failed = rate
    if (!onTrial(trial)) return borne
    const next = nextRate(borne?.rate, failed, most)
    const isNear =
      borne !== undefined && failed !== undefined && failed - borne.rate <= borne.rate * precision
    if (next === undefined || isNear || next < least) return borne
    rate = next
  }
}

function nextRate(borne: number | undefined, failed: number | undefined, most: number): number | undefined {
  if (failed === undefined) return borne === most ? undefined : Math.min(most, (borne ?? least) * 2)
  if (borne === undefined) return Math.floor(failed / 2)
  const middle = Math.round((borne + failed) / 2)
  return middle > borne && middle < failed ? middle : undefined
}
