// Where sluice decides otherwise than HAProxy on purpose: docs/compatibility.md has each. The pattern is that of the reason, so
// that the same test failing for another one is a failure.

/** Test to `{ reason, why }`. */
export const onPurpose = new Map([
  [
    'http-messaging/http_request_buffer.vtc',
    { reason: /resp\.status \(400\)/, why: 'an HTTP/1.1 request without Host is 400' },
  ],
  [
    'http-messaging/http_transfer_encoding.vtc',
    {
      reason: /resp\.status \(400\)/,
      why: 'a request with Content-Length and Transfer-Encoding is 400',
    },
  ],
  [
    'http-rules/strict_rw_mode.vtc',
    {
      reason: /req\.url \(\/req2\) == "\/req3"|resp\.status \(200\) == "500"/,
      why: 'a header always fits, so nothing is refused for its length',
    },
  ],
])
