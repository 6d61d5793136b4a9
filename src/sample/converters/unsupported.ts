/** Converters that HAProxy 2.6 has and sluice has not. */

const names = `
  capture-req capture-res debug in_table jwt_header_query jwt_payload_query
  jwt_verify nbsrv protobuf srv_queue table_bytes_in_rate
  table_bytes_out_rate table_conn_cnt table_conn_cur table_conn_rate table_gpc table_gpc0 table_gpc0_rate
  table_gpc1 table_gpc1_rate table_gpc_rate table_gpt table_gpt0 table_http_err_cnt table_http_err_rate
  table_http_fail_cnt table_http_fail_rate table_http_req_cnt table_http_req_rate table_kbytes_in
  table_kbytes_out table_server_id table_sess_cnt table_sess_rate table_trackers ungrpc
`

/** Known to HAProxy 2.6, not supported here. */
export const unsupportedConverters: ReadonlySet<string> = new Set(
  names.split(/\s+/).filter((name) => name !== ''),
)
