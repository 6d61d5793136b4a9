/** Why a TLS handshake has failed, in words, with the remedy. */

/** What OpenSSL says of a client's certificate. */
const verdicts: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "it has signed itself, and no authority of 'ca' has",
  SELF_SIGNED_CERT_IN_CHAIN: "no authority of 'ca' has signed it",
  UNABLE_TO_GET_ISSUER_CERT: "no authority of 'ca' has signed it",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "no authority of 'ca' has signed it",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "no authority of 'ca' has signed it",
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
  CERT_REVOKED: 'it was revoked',
  INVALID_PURPOSE: 'it is not one for clients',
}

const notTls =
  "the peer does not speak TLS, and this port does: add 'ssl' to HAProxy's server line, or leave the option tls out"
const distrusted =
  "the peer does not trust our certificate: 'ca-file' of HAProxy's server line wants its authority"

/** By Node.js's code; the first that fits. */
const failures: readonly (readonly [code: RegExp, words: string])[] = [
  [/^ERR_SSL_(WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH_TOO_LONG)$/, notTls],
  [
    /_PEER_DID_NOT_RETURN_A_CERTIFICATE$/,
    "client refused: it has shown no certificate: give HAProxy's server line 'crt FILE'",
  ],
  [/_ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED)$/, distrusted],
  [/^ERR_SSL_(UNSUPPORTED_PROTOCOL|NO_SHARED_CIPHER)$/, 'no TLS version or cipher is common to both'],
  [/^ERR_TLS_HANDSHAKE_TIMEOUT$/, 'the peer did not finish it within handshakeTimeout'],
]

/** The code to count, and the sentence to log. `verdict` is what the verification of the client's certificate said. */
export function describeTlsFailure(
  error: NodeJS.ErrnoException,
  verdict: string | undefined,
): { readonly code: string; readonly message: string } {
  // The connection is cut then, and `error` says no more than that.
  if (verdict !== undefined) {
    const why = Object.hasOwn(verdicts, verdict) ? `: ${verdicts[verdict]}` : ''
    return { code: verdict, message: `TLS client refused: its certificate is not accepted${why}` }
  }
  const code = error.code ?? 'ERR_TLS'
  const words = failures.find(([pattern]) => pattern.test(code))?.[1]
  return { code, message: words === undefined ? 'TLS handshake failed' : `TLS handshake failed: ${words}` }
}
