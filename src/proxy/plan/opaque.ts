/** A plan as it is seen from outside: its types reach nothing of the proxy. */

declare const opaque: unique symbol

/**
 * A configuration that can be run: `loadProxy` gives it, `createProxy` takes it, any number of times. There is nothing in
 * it to be read or changed.
 */
export interface Plan {
  readonly [opaque]: true
}
